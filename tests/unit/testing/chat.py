"""An application that the tests of the kit share."""

from typing import Any

from sansio_eio import ConnectionRefused, Server, Socket


def make_chat(**options: Any) -> Server:
    """A chat with one room, and handlers of each kind."""
    io = Server(**options)

    @io.on("connection")
    def connected(socket: Socket) -> None:
        socket.join("lobby")

    @io.on("say")
    async def say(socket: Socket, text: str) -> str:
        socket.to("lobby").emit("said", text)
        return "delivered"

    @io.on("echo")
    def echo(socket: Socket, *args: Any) -> tuple[Any, ...]:
        return args

    @io.on("ask")
    async def ask(socket: Socket, *args: Any) -> Any:
        return await socket.call("question", *args, timeout=30.0)

    @io.on("fail")
    async def fail(socket: Socket) -> None:
        raise ValueError("it failed")

    @io.on("kick")
    def kick(socket: Socket) -> None:
        socket.disconnect()

    @io.on("disconnect")
    def gone(socket: Socket, reason: str) -> None:
        io.emit("left", reason)

    @io.of("/closed").use
    def refuse(socket: Socket) -> None:
        raise ConnectionRefused("closed", data={"code": 7})

    @io.of("/admin").on("whoami")
    def whoami(socket: Socket) -> str:
        return str(socket.handshake.auth.get("name"))

    return io
