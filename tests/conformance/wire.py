"""A wire between client and server that can be cut, and go dead without anybody noticing."""

import contextlib
import socket
import threading
from types import TracebackType
from typing import Self

from tests.conformance.processes import PATIENCE


class Wire:
    """A TCP proxy on loopback in front of `port`; `url` is what to dial."""

    def __init__(self, port: int) -> None:
        self._target = ("127.0.0.1", port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        #: The two ends of each connection, the server's first, and what carries its answers.
        self._pairs: list[tuple[socket.socket, socket.socket, threading.Thread]] = []
        #: The clients' ends on which the last thing was the start of a request, without an answer so far.
        self._waiting: dict[socket.socket, bytes] = {}
        self._changed = threading.Condition()
        self._alive = threading.Event()
        self._alive.set()
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # Closing alone would not wake up who accepts.
        self._listener.shutdown(socket.SHUT_RDWR)
        self._accepting.join()
        self._listener.close()
        self._alive.set()
        self.cut()

    def settle(self) -> None:
        """Wait until the only request under way is a poll: then everything is known to both ends."""
        with self._changed:
            assert self._changed.wait_for(lambda: list(self._waiting.values()) == [b"GET "], PATIENCE)

    def cut(self) -> None:
        """End every connection that there is; new ones are let through.

        The server hears of it first: else, the client's farewell on a new connection could arrive before.
        """
        with self._changed:
            pairs, self._pairs = self._pairs, []
        for far, _, _ in pairs:
            with contextlib.suppress(OSError):
                far.shutdown(socket.SHUT_WR)
        for far, near, answers in pairs:
            answers.join(1)
            for one in (far, near):
                with contextlib.suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)
                one.close()

    def freeze(self) -> None:
        """From now on nothing gets through, and nobody is told."""
        self._alive.clear()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                try:
                    far = socket.create_connection(self._target)
                except ConnectionRefusedError:
                    near.close()
                    continue
                answers = threading.Thread(target=self._pump, args=(far, near, False), daemon=True)
                with self._changed:
                    self._pairs.append((far, near, answers))
                answers.start()
                threading.Thread(target=self._pump, args=(near, far, True), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket, outward: bool) -> None:
        near = source if outward else sink
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                self._alive.wait()
                # In one step: an answer must not be noted before its request, nor a request that is not on its way.
                with self._changed:
                    sink.sendall(data)
                    self._note(near, data[:4] if outward else None)
        self._note(near, None)
        with contextlib.suppress(OSError):
            sink.shutdown(socket.SHUT_WR)

    def _note(self, near: socket.socket, request: bytes | None) -> None:
        with self._changed:
            if request is None:
                self._waiting.pop(near, None)
            else:
                self._waiting[near] = request
            self._changed.notify_all()
