"""The application while a network serves it: its errors are collected, and its ids are counted."""

from __future__ import annotations

from collections import Counter
from functools import partial
from typing import TYPE_CHECKING, Any

from sansio_eio.engineio.handlers import Closable, ErrorHook
from sansio_eio.engineio.settings import generate_id
from sansio_eio.http import Router
from sansio_eio.socketio import Server

if TYPE_CHECKING:
    from collections.abc import Callable

    from sansio_eio.engineio import EngineServer, Mountable
    from sansio_eio.engineio.core import Core
    from sansio_eio.http import Pump


class CollectingErrors(ErrorHook):
    """In the place of an engine's own: it tells the network first, and then does what the engine's hook says."""

    __slots__ = ("_collect",)

    def __init__(self, pump: Pump, collect: Callable[[Exception, str], None]) -> None:
        def stop(error: Exception) -> bool:
            pump.stop(error)
            return True

        super().__init__(stop)
        self._collect = collect

    def report(self, error: Exception, where: str, session: Closable | None = None) -> None:
        """See `ErrorHook`. Without a hook there is no log either: the test is going to fail."""
        self._collect(error, where)
        if self.hook is not None:
            super().report(error, where, session)


def borrow_errors(core: Core, pump: Pump, collect: Callable[[Exception, str], None]) -> Callable[[], None]:
    """Have its errors collected. What is returned undoes it; a hook that it was given meanwhile stays."""
    original = core.errors
    errors = CollectingErrors(pump, collect)
    errors.hook = original.hook
    core.errors = errors

    def give_back() -> None:
        original.hook = errors.hook
        core.errors = original

    return give_back


class Borrowed:
    """The servers of an application, prepared for a test; `give_back` undoes it."""

    def __init__(self, app: Mountable | Router, pump: Pump, collect: Callable[[Exception, str], None]) -> None:
        #: The servers by their paths.
        self.servers = app.mounts if isinstance(app, Router) else {app.path: app}
        #: Where the application is; None when a router may have several.
        self.path = None if isinstance(app, Router) else app.path
        #: Their engines, each of them once.
        self.engines: list[EngineServer] = list(dict.fromkeys(server.engine for server in self.servers.values()))
        self._undo: list[Callable[[], None]] = []
        self._ids = Counter[str]()
        for engine in self.engines:
            self._undo.append(borrow_errors(engine, pump, collect))
            self._count(engine.settings, "session")
        for server in self.servers.values():
            if isinstance(server, Server):
                self._count(server, "socket")

    def server_at(self, path: str) -> Mountable | None:
        """What gets the requests for this path, as `Router` decides it."""
        prefixes = [prefix for prefix in self.servers if path.startswith(prefix) or f"{path}/" == prefix]
        return self.servers[max(prefixes, key=len)] if prefixes else None

    def give_back(self) -> None:
        """The application is its own again."""
        for undo in self._undo:
            undo()

    def _count(self, owner: Any, kind: str) -> None:
        """Ids of the usual length, that are the same in each run; unless the application makes its own."""
        original = owner.generate_id
        if original is generate_id:

            def count(_request: object = None) -> str:
                self._ids[kind] += 1
                return f"{kind}-{self._ids[kind]:0{19 - len(kind)}}"

            # A server that is mounted twice is counted once: the second time, this is not the default any more.
            self._undo.append(partial(setattr, owner, "generate_id", original))
            owner.generate_id = count
