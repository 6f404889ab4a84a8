"""One tab of the browser with the chat in it, and everything that it says on the network."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit

from playwright.sync_api import BrowserContext, Locator, Page, Request, WebSocket, expect


@dataclass
class Seen:
    """Something on the network: a polling request (`what` is its method), a WebSocket ("open", "sent", "received")."""

    transport: str
    what: str
    #: The sid in the query of the request, None where it has none, and for frames.
    sid: str | None = None
    #: The payload of a frame.
    data: str | bytes = ""


@dataclass
class Tab:
    page: Page
    name: str
    #: In the order in which it went over the network.
    wire: list[Seen] = field(default_factory=list[Seen])
    complaints: list[str] = field(default_factory=list[str])

    @classmethod
    def open(cls, context: BrowserContext, url: str, name: str) -> Tab:
        """Open the chat in a new tab and come in as `name`."""
        tab = cls(context.new_page(), name)
        page = tab.page
        page.on("request", tab._saw_request)
        page.on("websocket", tab._saw_websocket)
        page.on("pageerror", lambda error: tab.complaints.append(str(error)))
        page.on("console", lambda line: tab.complaints.append(line.text) if line.type in {"error", "warning"} else None)
        page.goto(url)
        page.get_by_label("Your name").fill(name)
        page.get_by_role("button", name="Enter the chat").click()
        return tab

    def _saw_request(self, request: Request) -> None:
        if parameter(request.url, "transport") == "polling":
            self.wire.append(Seen("polling", request.method, sid=parameter(request.url, "sid")))

    def _saw_websocket(self, websocket: WebSocket) -> None:
        self.wire.append(Seen("websocket", "open", sid=parameter(websocket.url, "sid")))
        websocket.on("framesent", lambda data: self.wire.append(Seen("websocket", "sent", data=data)))
        websocket.on("framereceived", lambda data: self.wire.append(Seen("websocket", "received", data=data)))

    def frames(self, direction: str) -> list[str | bytes]:
        """The payloads of the WebSocket frames "sent" or "received", in order."""
        return [seen.data for seen in self.wire if (seen.transport, seen.what) == ("websocket", direction)]

    def find(self, test_id: str) -> Locator:
        return self.page.get_by_test_id(test_id)

    def type(self, text: str) -> None:
        """Press the keys of `text` in the composer, without sending it."""
        self.find("text").press_sequentially(text)

    def send(self, text: str) -> None:
        self.find("text").fill(text)
        self.find("send").click()

    def expect_delivered(self, count: int) -> None:
        """Every message from here has its tick, and there are `count` of them."""
        ticks = self.find("tick")
        expect(ticks).to_have_count(count)
        for index in range(count):
            expect(ticks.nth(index)).to_have_attribute("data-state", "delivered")

    def expect_heard(self, text: str) -> None:
        expect(self.find("theirs").filter(has_text=text)).to_have_count(1)

    def expect_people(self, *names: str) -> None:
        expect(self.find("people").locator(".name")).to_have_text(list(names))

    def expect_websocket(self) -> None:
        expect(self.find("connection")).to_have_attribute("data-state", "websocket")


def parameter(url: str, name: str) -> str | None:
    """The value of one parameter in the query of `url`."""
    return parse_qs(urlsplit(url).query).get(name, [None])[0]
