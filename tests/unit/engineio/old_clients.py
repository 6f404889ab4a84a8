"""Clients of revision 3, as `driving` has those of revision 4."""

import json
from typing import Any, cast

from sansio_eio.engineio import EngineServer, Headers, Session
from sansio_eio.engineio.settings import EngineOptions
from tests.unit.engineio.driving import Driver, Exchange

OCTETS = [("content-type", "application/octet-stream")]


def old_server(**options: Any) -> Driver:
    """A server that admits old clients."""
    return Driver(EngineServer(**cast("EngineOptions", {"allow_eio3": True, **options})))


class OldPoller:
    """A client of one session over long-polling; `query` begins that of all requests, `opening` is for the first."""

    def __init__(self, driver: Driver, opening: str = "", *, query: str = "EIO=3&transport=polling") -> None:
        self.driver = driver
        self.opened = driver.request(query=query + opening)
        length, _, packet = self.opened.text.partition(":")
        assert int(length) == len(packet)
        self.handshake: dict[str, Any] = json.loads(packet[1:])
        self.sid = cast("str", self.handshake["sid"])
        self.session: Session = driver.app.sessions[self.sid]
        self.query = f"{query}&sid={self.sid}"

    def poll(self, *, query: str = "") -> Exchange:
        return self.driver.request(query=self.query + query)

    def post(self, body: bytes | str, *, query: str = "", headers: Headers = ()) -> Exchange:
        data = body.encode() if isinstance(body, str) else body
        return self.driver.request("POST", query=self.query + query, headers=headers, body=data)

    def candidate(self, query: str = "") -> Exchange:
        """The WebSocket that this session wants to move to."""
        return self.driver.dial(f"EIO=3&transport=websocket&sid={self.sid}{query}")


class OldDialer:
    """A client of one session that was opened on a WebSocket."""

    def __init__(self, driver: Driver, query: str = "") -> None:
        self.websocket = driver.dial("EIO=3&transport=websocket" + query)
        [opened] = self.websocket.taken()
        assert isinstance(opened, str)
        self.handshake: dict[str, Any] = json.loads(opened[1:])
        self.session: Session = driver.app.sessions[self.handshake["sid"]]
