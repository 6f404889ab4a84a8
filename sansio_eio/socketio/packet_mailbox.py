"""Packets out of messages, and the mailbox of what they say: what both ends of a connection have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from sansio_eio.engineio.mailbox import Mailbox
from sansio_eio.socketio.packets import Decoder
from sansio_eio.socketio.parser import ParseError

if TYPE_CHECKING:
    from sansio_eio.engineio.atomic import Lock
    from sansio_eio.engineio.core import Core
    from sansio_eio.engineio.handlers import Steps
    from sansio_eio.socketio.parser import Packet, Parser

E = TypeVar("E")


class Owner(Protocol):
    """A server or a client: its parser, its limits, its time."""

    @property
    def parser(self) -> Parser:
        """How packets look on the wire."""
        ...

    @property
    def max_attachments(self) -> int:
        """The limit of attachments of one packet."""
        ...

    @property
    def attachment_timeout(self) -> float:
        """Attachments must have followed their packet by then."""
        ...

    @property
    def congestion_timeout(self) -> float:
        """How long acknowledgements are waited for while nothing is read."""
        ...


class AttachmentDeadline:
    """Attachments that were announced must come before this expires."""

    __slots__ = ("_mailbox",)

    def __init__(self, mailbox: PacketMailbox[Any]) -> None:
        self._mailbox = mailbox

    def expire(self, *, now: float) -> None:
        """They did not."""
        self._mailbox.fail(ParseError("attachments were announced and did not come"))


class Congestion:
    """Nothing is read from a peer whose events wait for handlers, so no acknowledgement can come either.

    If the handler that they wait for waits for an acknowledgement, it is this that ends it.
    """

    __slots__ = ("_mailbox",)

    def __init__(self, mailbox: PacketMailbox[Any]) -> None:
        self._mailbox = mailbox

    def expire(self, *, now: float) -> None:
        """It has lasted too long."""
        self._mailbox.give_up_acks()


class PacketMailbox(Mailbox[E], ABC):
    """The mailbox of everything that a peer does.

    Packets are taken apart when they arrive; acknowledgements and disconnections work at once, so that a handler that
    waits for an answer is not waited for by the answer. Everything else goes through the mailbox, in order.
    """

    __slots__ = ("_attachments", "_core", "_decoder", "_owner", "_received", "congestion")

    def __init__(self, owner: Owner, core: Core, *, max_events: int, max_size: int) -> None:
        super().__init__(self.run, core.make_runnable, self.congest, max_events=max_events, max_size=max_size)
        self._owner = owner
        self._core = core
        self._decoder = Decoder(owner.parser, max_attachments=owner.max_attachments)
        self._attachments: AttachmentDeadline | None = None
        #: Bytes of the packet that is being received.
        self._received = 0
        self.congestion = Congestion(self)

    @property
    def lock(self) -> Lock | None:
        """The lock of the driver, None where everything happens in one thread."""
        return self._core.lock

    def message(self, data: str | bytes) -> None:
        """See `SessionListener` and `ClientListener`."""
        self._received += len(data)
        try:
            packet = self._decoder.feed(data)
        except ParseError as error:
            self.fail(error)
            return
        if packet is None:
            if self._attachments is None:
                self._attachments = AttachmentDeadline(self)
                self._core.deadlines.at(self._attachments, self._core.now + self._owner.attachment_timeout)
            return
        if self._attachments is not None:
            self._core.deadlines.cancel(self._attachments)
            self._attachments = None
        size, self._received = self._received, 0
        self.take_packet(packet, size)

    def forget_half(self) -> None:
        """Nothing more comes of this connection: what has come of a packet is none."""
        if self._attachments is not None:
            self._core.deadlines.cancel(self._attachments)
            self._attachments = None
        self._received = 0
        self._decoder.reset()

    def congest(self, congested: bool) -> None:
        """The handlers do not keep up, or do so again."""
        self.pause(congested)
        if congested:
            self._core.set_timeout(self.congestion, self._owner.congestion_timeout)
        else:
            self._core.deadlines.cancel(self.congestion)

    @abstractmethod
    def run(self, item: E) -> Steps:
        """Call the handlers of an item."""

    @abstractmethod
    def take_packet(self, packet: Packet, size: int) -> None:
        """A packet has arrived, in so many bytes."""

    @abstractmethod
    def fail(self, error: ParseError) -> None:
        """The peer has sent what is no packet."""

    @abstractmethod
    def pause(self, paused: bool) -> None:
        """Stop reading from the peer, or go on."""

    @abstractmethod
    def give_up_acks(self) -> None:
        """Nothing has been read for too long: no acknowledgement is waited for any longer."""
