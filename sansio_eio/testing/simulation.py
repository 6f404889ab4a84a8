"""The network: what is the same whether it runs by itself or in an event loop."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from functools import partial
from itertools import count
from typing import TYPE_CHECKING, TypeVar, Unpack, cast

from sansio_eio.engineio import EngineClient
from sansio_eio.engineio.reasons import FORCED_CLOSE
from sansio_eio.errors import LocalProtocolError
from sansio_eio.http import ServerEndpoint
from sansio_eio.socketio import AckDisconnected
from sansio_eio.testing.borrowed import Borrowed
from sansio_eio.testing.client import Line
from sansio_eio.testing.dice import Dice
from sansio_eio.testing.driver import GRACE, Driver
from sansio_eio.testing.faults import Faults, check_delay, check_piece
from sansio_eio.testing.making import URL, make_client, make_engine_client
from sansio_eio.testing.options import NetworkOptions, check_app, check_client, check_options, check_seed
from sansio_eio.testing.peer import Peer
from sansio_eio.testing.plain_request import REMOTE, decode, make_request
from sansio_eio.testing.transcript import Transcript
from sansio_eio.testing.wires import Conditions, Wires

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from sansio_eio.engineio import Mountable, Response
    from sansio_eio.http import HttpOptions, Router
    from sansio_eio.socketio import Client
    from sansio_eio.testing.client import Inbox, KitSocket
    from sansio_eio.testing.loops import KitLoop
    from sansio_eio.testing.options import ConnectOptions, PeerOptions
    from sansio_eio.testing.plain_request import Pairs

# For pytest: whoever reads the report of a failure looks for the line of the test.
__tracebackhide__ = True

E = TypeVar("E", bound=Exception)

#: What clients are called that are given no name.
NAMES = ("ada", "bob", "cleo", "dan", "eve", "finn", "gwen", "hugo")
#: Seconds that a plain request waits for its response.
REQUEST_TIMEOUT = 20.0
MAX_STEPS = 100_000


class NetworkAssertionError(AssertionError):
    """A test of a network has failed; the message ends with the last lines of the wire."""

    # What pytest and tracebacks call it: where it is imported from.
    __module__ = "sansio_eio.testing"


class Simulation(Faults):
    """A network in memory around an application, and the clock of both."""

    def __init__(self, app: Mountable | Router, loop: KitLoop, **options: Unpack[NetworkOptions]) -> None:
        check_app(app)
        check_options(options, NetworkOptions.__optional_keys__, "a network")
        seed = options.pop("seed", None)
        check_seed(seed)
        split = options.pop("split", 0)
        piece, places = (split, ()) if isinstance(split, int) else (0, tuple(split))
        check_piece(piece, places)
        #: What the clients that are yet to come begin with.
        self._begin = Conditions(check_delay(options.pop("latency", 0.0)), piece, places)
        self._max_steps = options.pop("max_steps", MAX_STEPS)
        self._loop = loop
        self._seed = seed
        self._dice = None if seed is None else Dice(seed)
        #: For delays that are up to chance. From dice of their own: they are no part of what may happen.
        self._chance = Dice(seed or 0).chance
        # What is left of the options is the server's.
        self._endpoint = ServerEndpoint(app, **cast("HttpOptions", options))
        self._server = Driver(self._endpoint, loop)
        self._borrowed = Borrowed(app, self._server.pump, self.report)
        self._wires = Wires(self._endpoint, self._server, loop, self._dice)
        self._all_peers: list[Peer] = []
        #: Of those that are given no name.
        self._numbers = count()
        self._closed = False
        self._stepping = False
        #: Which one it is, where a test has several: it is in the title of the transcript.
        self.name = ""
        #: What went over the wire, as text with `str(...)`.
        self.transcript = Transcript(loop.time)
        #: The exceptions of the application's own code that no failure and no `expect_error` has taken yet.
        self.errors: list[Exception] = []

    def __repr__(self) -> str:
        return f"<{type(self).__name__} at {self.now:.3f} s with {len(self._peers())} clients>"

    # For tests

    @property
    def now(self) -> float:
        """The time, in seconds."""
        return self._loop.time()

    def sleep(self, seconds: float) -> Awaitable[None]:
        """For handlers: await it to let the network's time pass."""
        return self._loop.sleep(seconds)

    def failure(self, text: str) -> NetworkAssertionError:
        """An AssertionError with this message and the last lines of the wire, for assertions of your own."""
        return NetworkAssertionError(f"{text}\n\n{self.story()}")

    def story(self) -> str:
        """The end of the transcript, with the seed: what failures show."""
        return f"{self.title}:\n{self.transcript.tail()}"

    @property
    def title(self) -> str:
        """What stands above a transcript."""
        return f"{self.heading}{self.now:.3f} s"

    @property
    def heading(self) -> str:
        """What all of its titles begin with."""
        name = f" of {self.name}" if self.name else ""
        drawn = "" if self._seed is None else f" (seed {self._seed})"
        return f"the wire{name}{drawn}, up to "

    def report(self, error: Exception, where: str) -> None:
        """See `Host`: the application, or a handler of a client, raised `error`."""
        if self._closed and isinstance(error, AckDisconnected):
            # The end of the network made it, and not the test.
            return
        notes = [f"in {where}", *getattr(error, "__notes__", ())]
        hint = self._loop.explain(error)
        error.__notes__ = notes if hint is None else [*notes, hint]
        self.errors.append(error)

    # Running

    async def _settle_quietly(self) -> None:
        """Everything that can happen without time passing happens."""
        if self._stepping:
            raise LocalProtocolError("the network is running already: a handler cannot have it run")
        steps = 0
        while True:
            while jobs := self._jobs():
                job = jobs[self._dice.below(len(jobs)) if self._dice is not None else 0]
                self._stepping = True
                try:
                    job()
                finally:
                    self._stepping = False
                steps += 1
                if steps >= self._max_steps:
                    raise self._endless()
            if not await self._loop.idle(self._max_steps):
                raise self._endless()
            if not self._jobs():
                return

    def _endless(self) -> NetworkAssertionError:
        return self.failure(f"the network has not settled after {self._max_steps} steps: something goes on for ever")

    def _check_open(self) -> None:
        if self._closed:
            raise LocalProtocolError("the network is closed")

    async def settle_and_raise(self) -> None:
        """For clients: everything that can happen without time passing happens; then raise errors."""
        self._check_open()
        await self._settle_quietly()
        self._raise_errors()

    async def settle_if_open(self) -> None:
        """For clients: the same, but what was received can be looked at when the network is closed, too."""
        if not self._closed:
            await self.settle_and_raise()

    async def advance_and_raise(self, seconds: float) -> None:
        """Let time pass, then raise errors."""
        if not 0 <= seconds < float("inf"):
            raise LocalProtocolError(f"time passes in seconds, and forwards, not {seconds!r}")
        await self.run_until(lambda: False, seconds)

    async def run_until(self, condition: Callable[[], bool], seconds: float) -> bool:
        """For clients: let time pass until the condition is met, at most so many seconds; then raise errors."""
        self._check_open()
        met = await self._run_until(condition, seconds)
        self._raise_errors()
        return met

    async def _run_until(self, condition: Callable[[], bool], seconds: float, *, stop_at_errors: bool = True) -> bool:
        """Let time pass until the condition is met, at most so many seconds; whether it is met."""
        end = self.now + seconds
        while True:
            await self._settle_quietly()
            if condition():
                return True
            if self.errors and stop_at_errors:
                return False
            if self.now >= end:
                return False
            await self._loop.pause(min(end, self._next_time()))

    def _next_time(self) -> float:
        times = (self._loop.timers.next(), self._wires.next_arrival())
        return min([time for time in times if time is not None], default=float("inf"))

    def _jobs(self) -> list[Callable[[], None]]:
        """What can happen now. Without a seed the first of it does; what is due comes last, behind what has arrived."""
        loop = self._loop
        jobs: list[Callable[[], None]] = [partial(self._call, number) for number in range(len(loop.calls))]
        jobs += self._wires.jobs()
        due = loop.timers.next()
        if due is not None and due <= self.now:
            jobs.append(self._expire)
        return jobs

    def _call(self, number: int) -> None:
        calls = self._loop.calls
        function = calls[number]
        del calls[number]
        function()

    def _expire(self) -> None:
        self._loop.timers.expire_due(now=self.now)

    def _raise_errors(self) -> None:
        if self.errors:
            cause = self.errors[0]
            raise self._take_errors() from cause

    def _take_errors(self) -> NetworkAssertionError:
        errors, self.errors = self.errors, []
        return self.failure("\n".join(f"{error!r} was raised " + "\n".join(error.__notes__) for error in errors))

    async def _expect_error(self, kind: type[E], within: float) -> E:
        self._check_open()
        await self._run_until(lambda: bool(self.errors), within)
        return self._take_error(kind)

    def _take_error(self, kind: type[E]) -> E:
        if not self.errors:
            raise self.failure(f"{kind.__name__} was expected, and the application has raised nothing")
        error = self.errors[0]
        if isinstance(error, kind):
            del self.errors[0]
            return error
        raise self._take_errors() from error

    # Clients

    def _new_client(self, namespace: str, options: ConnectOptions) -> tuple[Peer, KitSocket]:
        self._check_open()
        name, client, socket = make_client(namespace, options, self._borrowed, self._chance)
        return self._new_peer(client, name), socket

    def _new_engine_client(self, options: PeerOptions) -> tuple[Peer, EngineClient]:
        self._check_open()
        name, client = make_engine_client(options, self._borrowed)
        return self._new_peer(client, name), client

    def _new_peer(self, client: Client | EngineClient, name: str) -> Peer:
        if not name:
            number = next(self._numbers)
            name = NAMES[number] if number < len(NAMES) else f"client-{number + 1}"
        address = len(self._all_peers)
        # Of the block that is set aside for private use.
        peer = self._make_peer(client, name, f"10.0.{address // 250}.{address % 250 + 1}")
        self._all_peers.append(peer)
        return peer

    def _make_peer(self, client: Client | EngineClient, name: str, remote: str) -> Peer:
        conditions = replace(self._begin)
        return Peer(client, self._wires, self.transcript, conditions, self.report, name=name, remote=remote)

    async def _attach(self, client: Client | EngineClient, name: str, wait: bool) -> Line:
        self._check_open()
        check_client(client)
        peer = self._new_peer(client, name)
        peer.borrow(self._chance)
        opening = peer.open()
        if wait:
            await self._let_in(peer, lambda: opening.done)
            if opening.error is not None:
                peer.close()
                raise opening.error
        return Line(peer)

    async def let_in(self, member: Inbox) -> None:
        """For clients: have a new one connected."""
        await self._let_in(member.peer, member.answered)

    async def _let_in(self, peer: Peer, answered: Callable[[], bool]) -> None:
        # One for the connection, and one for the namespace.
        patience = 2 * peer.client.engine.settings.connect_timeout
        # Whatever the application does, no answer in time is an answer.
        assert await self.run_until(answered, patience), f"{peer.name} has not been answered"

    async def _request(self, method: str, target: str, headers: Pairs, body: bytes) -> Response:
        self._check_open()
        request = make_request(method, target, headers, body)
        peer = self._make_peer(EngineClient(URL), "-", REMOTE)
        answer = peer.ask(request)
        await self.run_until(lambda: answer.over, REQUEST_TIMEOUT)
        peer.leave()
        if answer.response is None:
            raise self.failure(f"{method} {target} has not been answered")
        return decode(answer.response)

    # Faults

    def _peers(self) -> Sequence[Peer]:
        return [peer for peer in self._all_peers if peer.state != "closed"]

    def _conditions(self) -> Sequence[Conditions]:
        return [self._begin, *(peer.conditions for peer in self._all_peers)]

    # The end

    async def _close(self) -> None:
        """End everything in good order. What goes wrong is raised at the end."""
        if self._closed:
            return
        try:
            await self._settle_quietly()
            self._closed = True
            self._server.close()
            # A session may be waiting for a poll that takes the news.
            patience = max([GRACE, *(engine.settings.close_timeout for engine in self._borrowed.engines)])
            await self._run_until(self._is_over, patience, stop_at_errors=False)
            left = self._loop.running()
            for peer in self._all_peers:
                peer.driver.close()
            await self._run_until(self._is_left, GRACE, stop_at_errors=False)
        finally:
            self._closed = True
            self._end_sessions()
            try:
                await self._loop.cancel()
            finally:
                for peer in self._all_peers:
                    peer.leave()
                self._endpoint.install(None)
                self._borrowed.give_back()
        self._raise_errors()
        if left:
            raise self.failure(f"still running when the network closed: {'; '.join(left)}")

    async def _abandon(self, error: BaseException) -> None:
        """End everything after `error`, which is raised anyway: it is told what went over the wire."""
        if isinstance(error, Exception) and not isinstance(error, NetworkAssertionError):
            error.add_note(self.story())
        with suppress(NetworkAssertionError):
            await self._close()

    def _is_over(self) -> bool:
        return not (
            self._endpoint.connections
            or self._loop.running()
            or any(engine.sessions for engine in self._borrowed.engines)
        )

    def _is_left(self) -> bool:
        """All clients have gone."""
        return all(peer.endpoint.done for peer in self._all_peers)

    def _end_sessions(self) -> None:
        """Whatever is left when closing has failed ends at once, so that the next network finds nothing of it."""
        self._server.close()
        for engine in self._borrowed.engines:
            for session in list(engine.sessions.values()):
                session.end(FORCED_CLOSE)
        self._server.pump.pump()
