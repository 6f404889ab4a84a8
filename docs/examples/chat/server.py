"""A chat: rooms, presence, a typing indicator, an acknowledgement for each message, pictures as binary."""

import asyncio
import sys
from pathlib import Path

import sansio_eio_asyncio
from sansio_eio import Server, Socket
from sansio_eio.http import Router, StaticFiles

io = Server(max_http_buffer_size=5_000_000)  # bytes: a picture is larger than a line


async def tell_who_is_here(room: str) -> None:
    people = await io.in_(room).fetch_sockets()
    io.to(room).emit("people", sorted(person.data["name"] for person in people))


@io.on("join")
async def join(socket: Socket, name: str, room: str) -> None:
    await leave(socket)
    socket.data.update(name=name[:30], room=f"chat {room[:30]}")  # no client may name a room that is somebody's id
    socket.join(socket.data["room"])
    await tell_who_is_here(socket.data["room"])


@io.on("message")
def message(socket: Socket, text: str) -> str:
    socket.to(socket.data["room"]).emit("message", socket.data["name"], text)
    return "delivered"  # what a handler returns is the acknowledgement


@io.on("picture")
def picture(socket: Socket, kind: str, data: bytes) -> str:
    socket.to(socket.data["room"]).emit("picture", socket.data["name"], kind, data)
    return "delivered"


@io.on("typing")
def typing(socket: Socket, is_typing: bool) -> None:
    socket.to(socket.data["room"]).volatile.emit("typing", socket.data["name"], is_typing)


@io.on("disconnect")
async def leave(socket: Socket, reason: str = "") -> None:
    if room := socket.data.get("room"):
        socket.leave(room)
        await tell_who_is_here(room)


if __name__ == "__main__":
    here, port = Path(__file__).parent, int(sys.argv[1]) if len(sys.argv) > 1 else 3000
    client = here / "node_modules" / "socket.io-client" / "dist"  # the official client, as npm installs it
    app = Router({io.path: io}, fallback=StaticFiles({"/": here / "public", "/client/": client}))
    print(f"chat on http://127.0.0.1:{port}/ (two tabs make a conversation)")
    try:
        asyncio.run(sansio_eio_asyncio.serve(app, "127.0.0.1", port))
    except KeyboardInterrupt:
        pass
    except OSError as error:  # the port is in use, most likely
        sys.exit(str(error))
