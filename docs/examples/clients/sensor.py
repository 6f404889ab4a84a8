"""A sensor, in threads: it measures all the time, whether there is a server or not, and takes orders."""

import sys
import time
from collections.abc import Callable
from os import getloadavg
from threading import Event

import sansio_eio_threads
from sansio_eio import Client, Pending


def load() -> float:
    return getloadavg()[0]


def noted(ack: Pending[str]) -> None:
    if ack.error is not None:
        print(f"nobody knows of a record: {ack.error}")


def run_sensor(url: str, stop: Event, measure: Callable[[], float] = load) -> None:
    client = Client(url, auth=lambda: {"name": "load", "since": time.time()})  # asked at every connect
    socket = client.socket
    pause = 1.0  # seconds

    @socket.on("every")  # an order of the server; what is returned acknowledges it
    def change_pace(seconds: float) -> str:
        nonlocal pause
        pause = max(0.01, seconds)
        return "ok"

    highest = 0.0
    with sansio_eio_threads.connect(client, wait=False):  # the server may come later, or go and come back
        while not stop.wait(pause):
            value = measure()
            socket.volatile.emit("reading", value)  # worth nothing when it cannot be sent now
            if value > highest:
                highest = value
                socket.call("record", value, timeout=60.0).add_done_callback(noted)  # kept until it can be sent


if __name__ == "__main__":
    stop = Event()
    try:
        run_sensor(sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:3000", stop)
    except KeyboardInterrupt:
        stop.set()
