"""Engine.IO, revision 4: sessions over long-polling and WebSocket, as state machines.

It knows channels, not the bytes of a socket: `EngineServer` is fed with parsed requests and messages and asked for
actions, `EngineClient` the other way round. See `Application` and `ClientApplication` for the contract with a driver.
"""

from sansio_eio.engineio.actions import (
    AcceptWebSocket,
    Action,
    ClientAction,
    CloseChannel,
    OpenWebSocket,
    Respond,
    SendMessages,
    SendRequest,
    SetReading,
)
from sansio_eio.engineio.address import Address
from sansio_eio.engineio.channel import Channel
from sansio_eio.engineio.client import EngineClient
from sansio_eio.engineio.client_events import (
    ClientClosed,
    ClientEvent,
    ClientFailed,
    ClientListener,
    ClientMessage,
    ClientOpened,
    ClientPinged,
    ConnectError,
    TransportError,
)
from sansio_eio.engineio.client_session import ClientSession
from sansio_eio.engineio.client_settings import EngineClientOptions
from sansio_eio.engineio.client_states import ClientState
from sansio_eio.engineio.cors import AllowedOrigins
from sansio_eio.engineio.events import Closed, Event, HandshakeRefused, Message, Opened
from sansio_eio.engineio.handlers import OnError
from sansio_eio.engineio.mailbox import Mailbox
from sansio_eio.engineio.mounting import Connectable, Drivable, Mountable
from sansio_eio.engineio.outgoing import Outgoing
from sansio_eio.engineio.pending import Pending
from sansio_eio.engineio.requests import Headers, Request, Response
from sansio_eio.engineio.runtime import Application, ClientApplication, Runnable, Runtime
from sansio_eio.engineio.server import EngineServer
from sansio_eio.engineio.session import Session
from sansio_eio.engineio.settings import Cookie, EngineOptions
from sansio_eio.engineio.states import State

__all__ = [
    "AcceptWebSocket",
    "Action",
    "Address",
    "AllowedOrigins",
    "Application",
    "Channel",
    "ClientAction",
    "ClientApplication",
    "ClientClosed",
    "ClientEvent",
    "ClientFailed",
    "ClientListener",
    "ClientMessage",
    "ClientOpened",
    "ClientPinged",
    "ClientSession",
    "ClientState",
    "CloseChannel",
    "Closed",
    "ConnectError",
    "Connectable",
    "Cookie",
    "Drivable",
    "EngineClient",
    "EngineClientOptions",
    "EngineOptions",
    "EngineServer",
    "Event",
    "HandshakeRefused",
    "Headers",
    "Mailbox",
    "Message",
    "Mountable",
    "OnError",
    "OpenWebSocket",
    "Opened",
    "Outgoing",
    "Pending",
    "Request",
    "Respond",
    "Response",
    "Runnable",
    "Runtime",
    "SendMessages",
    "SendRequest",
    "Session",
    "SetReading",
    "State",
    "TransportError",
]
