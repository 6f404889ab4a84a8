"""The network: what is the same whether it runs by itself or in an event loop."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar, Unpack, cast

from sansio_eio.engineio import EngineServer
from sansio_eio.engineio.reasons import FORCED_CLOSE
from sansio_eio.errors import LocalProtocolError
from sansio_eio.http import Pump, ServerEndpoint
from sansio_eio.socketio import TEXT_PARSER, AckDisconnected, Server
from sansio_eio.testing.borrowed import Borrowed
from sansio_eio.testing.client import Manager
from sansio_eio.testing.dice import Dice
from sansio_eio.testing.faults import Faults, check_delay, check_piece
from sansio_eio.testing.options import (
    ConnectOptions,
    NetworkOptions,
    PeerOptions,
    check_app,
    check_auth,
    check_options,
    check_seed,
)
from sansio_eio.testing.peer import Peer
from sansio_eio.testing.plain_request import PlainRequest
from sansio_eio.testing.transcript import Transcript
from sansio_eio.testing.wires import Conditions, Wires

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from sansio_eio.engineio import Mountable, Response, Runtime
    from sansio_eio.http import HttpOptions, Router
    from sansio_eio.testing.client import EngineMember, Member
    from sansio_eio.testing.loops import KitLoop
    from sansio_eio.testing.responses import Pairs

# For pytest: whoever reads the report of a failure looks for the line of the test.
__tracebackhide__ = True

E = TypeVar("E", bound=Exception)

#: What clients are called that are given no name.
NAMES = ("ada", "bob", "cleo", "dan", "eve", "finn", "gwen", "hugo")
#: Seconds that a client waits to be let in, as the reference client does; and a request for its response.
CONNECT_TIMEOUT = 20.0
#: Seconds that clients and handlers are given when the network closes.
GRACE = 10.0
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
        # What is left of the options is the server's.
        self._endpoint = ServerEndpoint(app, **cast("HttpOptions", options))
        self._pump = Pump(self._endpoint, loop)
        self._endpoint.install(self._pump)
        self._borrowed = Borrowed(app, self._pump, self.report)
        self._wires = Wires(self._endpoint, self._pump, loop.time, loop.stir, self._dice)
        self._all_peers: list[Peer] = []
        self._named = 0
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

    # Host: for the pendings of clients, and whoever calls functions of the test

    @property
    def lock(self) -> None:
        """See `Host`."""

    @property
    def runtime(self) -> Runtime:
        """See `Host`."""
        return self._pump

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
        times = (self._loop.alarm, self._loop.timers.next(), self._wires.next_arrival())
        return min([time for time in times if time is not None], default=float("inf"))

    def _jobs(self) -> list[Callable[[], None]]:
        """What can happen now. Without a seed the first of it does; what is due comes last, behind what has arrived."""
        loop, now = self._loop, self.now
        jobs = [self._turn] if loop.woken else []
        jobs += loop.jobs()
        jobs += self._wires.jobs()
        if loop.alarm is not None and loop.alarm <= now:
            jobs.append(self._ring)
        due = loop.timers.next()
        if due is not None and due <= now:
            jobs.append(self._expire)
        if loop.stopped is not None and not self._endpoint.closing:
            # What an `on_error` hook wants to happen.
            jobs.append(self._close_endpoint)
        return jobs

    def _turn(self) -> None:
        self._loop.woken = False
        self._pump.turn()

    def _ring(self) -> None:
        self._loop.alarm = None
        self._pump.ring()

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

    def _new_manager(self, options: ConnectOptions) -> Manager:
        check_options(options, ConnectOptions.__optional_keys__, "connect")
        check_auth(options.get("auth"))
        path = options.get("path", self._borrowed.path or "/socket.io/")
        server = self._borrowed.server_at(path)
        if isinstance(server, EngineServer):
            raise LocalProtocolError(f"an EngineServer is at {path}, and no Server of Socket.IO: use connect_engine")
        parser = options.get("parser", server.parser if isinstance(server, Server) else TEXT_PARSER)
        return Manager(self, self._new_peer(path, options), parser)

    def _new_engine_peer(self, options: PeerOptions) -> Peer:
        check_options(options, PeerOptions.__optional_keys__, "connect_engine")
        return self._new_peer(options.get("path", self._borrowed.path or "/engine.io/"), options)

    def _new_peer(self, path: str, options: PeerOptions) -> Peer:
        self._check_open()
        number = self._named
        peer = Peer(
            self._wires,
            self._loop.timers,
            self.transcript,
            replace(self._begin),
            name=options.get("name", NAMES[number] if number < len(NAMES) else f"client-{number + 1}"),
            # Of the block that is set aside for private use.
            remote=f"10.0.{number // 250}.{number % 250 + 1}",
            path=path,
            query=options.get("query", ()),
            headers=options.get("headers", ()),
            transport=options.get("transport", "upgrade"),
        )
        self._named += 1
        self._all_peers = [*self._peers(), peer]
        return peer

    async def let_in(self, member: Member | EngineMember) -> None:
        """For clients: have a new one connected."""
        if not await self.run_until(member.answered_or_over, CONNECT_TIMEOUT):
            raise self.failure(f"{member.name} has not been answered within {CONNECT_TIMEOUT:g} s")

    async def _request(self, method: str, target: str, headers: Pairs, body: bytes) -> Response:
        self._check_open()
        request = PlainRequest(self._wires, self.transcript, replace(self._begin), method, target, headers, body)
        await self.run_until(lambda: request.over, CONNECT_TIMEOUT)
        if request.response is None:
            raise self.failure(f"{method} {target} has not been answered")
        return request.response

    # Faults

    def _peers(self) -> Sequence[Peer]:
        return [peer for peer in self._all_peers if peer.state != "closed"]

    def _conditions(self) -> Sequence[Conditions]:
        return [self._begin, *(peer.conditions for peer in self._peers())]

    # The end

    async def _close(self) -> None:
        """End everything in good order. What goes wrong is raised at the end."""
        if self._closed:
            return
        try:
            await self._settle_quietly()
            self._closed = True
            self._close_endpoint()
            # A session may be waiting for a poll that takes the news.
            patience = max([GRACE, *(engine.settings.close_timeout for engine in self._borrowed.engines)])
            await self._run_until(self._is_over, patience, stop_at_errors=False)
            left = self._loop.running()
        finally:
            self._closed = True
            self._end_sessions()
            try:
                await self._loop.cancel()
            finally:
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
            or self._pump.busy
            or self._loop.running()
            or any(engine.sessions for engine in self._borrowed.engines)
        )

    def _close_endpoint(self) -> None:
        if not self._endpoint.closing:
            self._endpoint.close(now=self.now, grace=GRACE)
            self._pump.pump()

    def _end_sessions(self) -> None:
        """Whatever is left when closing has failed ends at once, so that the next network finds nothing of it."""
        self._close_endpoint()
        for engine in self._borrowed.engines:
            for session in list(engine.sessions.values()):
                session.end(FORCED_CLOSE)
        self._pump.pump()
