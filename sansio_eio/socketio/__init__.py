"""Socket.IO, revision 5, on top of Engine.IO: namespaces, rooms, events, acknowledgements, binary data."""

from sansio_eio.socketio.acks import Ack, AckDisconnected, AckError, AckTimeout, BroadcastAck
from sansio_eio.socketio.broadcast import Broadcasting, BroadcastOperator
from sansio_eio.socketio.client import Client
from sansio_eio.socketio.client_options import Auth, ClientOptions
from sansio_eio.socketio.client_socket import ClientOperator, ClientSocket
from sansio_eio.socketio.connection import Connection
from sansio_eio.socketio.delivery import Delivery
from sansio_eio.socketio.events import Connected, Disconnected, Event, EventReceived
from sansio_eio.socketio.handshake import Handshake
from sansio_eio.socketio.namespace import ConnectionRefused, Namespace, ParentNamespace
from sansio_eio.socketio.packets import TEXT_PARSER, json_parser
from sansio_eio.socketio.parser import Packet, PacketType, ParseError, Parser
from sansio_eio.socketio.rooms import Adapter, MemoryAdapter, Selection
from sansio_eio.socketio.server import Server
from sansio_eio.socketio.socket import Socket
from sansio_eio.socketio.socket_operator import SocketOperator
from sansio_eio.socketio.target import Target, as_client

__all__ = [
    "TEXT_PARSER",
    "Ack",
    "AckDisconnected",
    "AckError",
    "AckTimeout",
    "Adapter",
    "Auth",
    "BroadcastAck",
    "BroadcastOperator",
    "Broadcasting",
    "Client",
    "ClientOperator",
    "ClientOptions",
    "ClientSocket",
    "Connected",
    "Connection",
    "ConnectionRefused",
    "Delivery",
    "Disconnected",
    "Event",
    "EventReceived",
    "Handshake",
    "MemoryAdapter",
    "Namespace",
    "Packet",
    "PacketType",
    "ParentNamespace",
    "ParseError",
    "Parser",
    "Selection",
    "Server",
    "Socket",
    "SocketOperator",
    "Target",
    "as_client",
    "json_parser",
]
