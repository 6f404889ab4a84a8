"""Engine.IO, revision 4: sessions over long-polling and WebSocket, as state machines.

It knows channels, not the bytes of a socket: `EngineServer` is fed with parsed requests and messages and asked for
actions. See `Application` for the contract with a driver.
"""

from sansio_eio.engineio.actions import AcceptWebSocket, Action, CloseChannel, Respond, SendMessages, SetReading
from sansio_eio.engineio.channel import Channel
from sansio_eio.engineio.cors import AllowedOrigins
from sansio_eio.engineio.events import Closed, Event, HandshakeRefused, Message, Opened
from sansio_eio.engineio.handlers import OnError
from sansio_eio.engineio.mailbox import Mailbox
from sansio_eio.engineio.mounting import Mountable
from sansio_eio.engineio.outgoing import Outgoing
from sansio_eio.engineio.pending import Pending
from sansio_eio.engineio.requests import Headers, Request, Response
from sansio_eio.engineio.runtime import Application, Runnable, Runtime
from sansio_eio.engineio.server import EngineServer
from sansio_eio.engineio.session import Session
from sansio_eio.engineio.settings import Cookie, EngineOptions
from sansio_eio.engineio.states import State

__all__ = [
    "AcceptWebSocket",
    "Action",
    "AllowedOrigins",
    "Application",
    "Channel",
    "CloseChannel",
    "Closed",
    "Cookie",
    "EngineOptions",
    "EngineServer",
    "Event",
    "HandshakeRefused",
    "Headers",
    "Mailbox",
    "Message",
    "Mountable",
    "OnError",
    "Opened",
    "Outgoing",
    "Pending",
    "Request",
    "Respond",
    "Response",
    "Runnable",
    "Runtime",
    "SendMessages",
    "Session",
    "SetReading",
    "State",
]
