"""A bot, under trio: it joins a room of the chat (docs/examples/chat), and answers to "!roll" and "!time"."""

import sys
from contextlib import suppress
from datetime import datetime
from secrets import randbelow

import trio

import sansio_eio_trio
from sansio_eio import AckError, Client


def answer(text: str) -> str | None:
    match text.split():
        case ["!roll", sides] if sides.isascii() and sides.isdigit() and int(sides[:9]) > 0:
            return f"rolled a {1 + randbelow(int(sides[:9]))} of {sides[:9]}"
        case ["!time"]:
            return datetime.now().astimezone().strftime("it is %H:%M")
        case _:
            return None


async def run_bot(url: str, room: str) -> None:
    client = Client(url)
    socket = client.socket

    @socket.on("connect")  # the first time, and whenever the connection is back
    def join() -> None:
        socket.emit("join", "bot", room)

    async with sansio_eio_trio.connect(client):
        async for event in socket:  # until the server sends it away; a lost connection is not the end
            match event.event, event.args:
                case "message", [str(name), str(text)] if (reply := answer(text)) is not None:
                    try:
                        delivered = await socket.call("message", f"{name}: {reply}", timeout=10.0)
                    except AckError as error:  # no answer in time, or the connection was lost meanwhile
                        delivered = str(error)
                    print(f"{name} asked {text!r}: {reply}, {delivered}")
                case _:
                    pass


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        trio.run(run_bot, sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:3000", "lobby")
