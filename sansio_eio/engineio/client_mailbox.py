"""Raw Engine.IO for the application of a client: the events of its sessions, and the handlers that take them."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from sansio_eio.engineio.client_events import (
    ClientClosed,
    ClientEvent,
    ClientFailed,
    ClientMessage,
    ClientOpened,
    ClientPinged,
    ConnectError,
)
from sansio_eio.engineio.handlers import Steps, call
from sansio_eio.engineio.mailbox import Mailbox

if TYPE_CHECKING:
    from sansio_eio.engineio.atomic import Lock
    from sansio_eio.engineio.client import EngineClient


class ClientMailbox(Mailbox[ClientEvent]):
    """The listener of a client that belongs to no protocol above Engine.IO."""

    __slots__ = ("_client",)

    def __init__(self, client: EngineClient) -> None:
        super().__init__(
            self._run,
            client.make_runnable,
            client.pause,
            max_events=client.settings.max_inbound,
            max_size=client.settings.max_inbound_size,
        )
        self._client = client

    @property
    def lock(self) -> Lock | None:
        """The lock of the driver, None where everything happens in one thread."""
        return self._client.lock

    def opened(self) -> None:
        """See `ClientListener`."""
        self.put(ClientOpened())

    def pinged(self) -> None:
        """See `ClientListener`."""
        self.put(ClientPinged())

    def message(self, data: str | bytes) -> None:
        """See `ClientListener`."""
        self.put(ClientMessage(data), len(data))

    def failed(self, error: ConnectError) -> None:
        """See `ClientListener`."""
        self.put(ClientFailed(error))

    def closed(self, reason: str, error: Exception | None) -> None:
        """See `ClientListener`."""
        self.put(ClientClosed(reason, error))

    def _run(self, event: ClientEvent) -> Steps:
        match event:
            case ClientMessage(data):
                yield from self._call("message", data)
            case ClientOpened():
                yield from self._call("open")
            case ClientPinged():
                yield from self._call("ping")
            case ClientFailed(error):
                yield from self._call("error", error)
            case ClientClosed(reason, _):
                yield from self._call("close", reason)
            case _:
                assert_never(event)

    def _call(self, event: str, *args: object) -> Steps:
        yield from call(self._client.handlers.get(event), args, self._client.host, event)
