"""socket.io-client 2.x in a browser: by scripts (JSONP), by polling with binary payloads, and by WebSocket."""

from collections.abc import Generator
from contextlib import ExitStack

import pytest
from playwright.sync_api import BrowserContext, Response

from tests.browser.site import SCRIPTS, Site, Visitor
from tests.browser.tab import parameter

pytestmark = pytest.mark.browser

#: What a script, a form, or JSON on its way through both could break.
TEXTS = [
    "two\nlines",
    "a backslash-n: \\n",
    "and more of them: \\\\n \\\\\\n \\\n",
    "\r\n\t\b\0\x1e\x7f",
    "'single' \"double\" `back`",
    "line ends of JavaScript: \u2028 \u2029",
    "😀 é € \ufeff \ufffd 👨\u200d👩",
    "</script><script>alert(1)</script><!-- --> ]]> ${1}",
    "a form: d=1&d=2 %41 + %",
    "3:4ab",
    "",
]
BYTES = [b"", b"\x00\x01\xfe\xff", b"\xe2\x82", bytes(range(256)) * 10]


@pytest.fixture
def sites() -> Generator[ExitStack]:
    """Keeps what is served."""
    with ExitStack() as stack:
        yield stack


def check_scripts(visitor: Visitor) -> None:
    """All that went to and fro was scripts, and forms, whose types a browser need not guess."""
    assert visitor.complaints == []
    assert len({parameter(response.url, "j") for response in visitor.responses}) == 1
    for response in visitor.responses:
        assert response.status == 200
        assert response.headers["x-content-type-options"] == "nosniff"
        kind, resource = response.headers["content-type"], response.request.resource_type
        if response.request.method == "GET":
            assert (kind, resource) == ("text/javascript; charset=UTF-8", "script")
            assert parameter(response.url, "b64") == "1"
        else:
            assert (kind, resource) == ("text/html", "document")


@pytest.mark.parametrize("foreign", [False, True])
def test_scripts(context: BrowserContext, sites: ExitStack, foreign: bool) -> None:
    home = sites.enter_context(Site().serving())
    site = sites.enter_context(Site(allowed=[home.url]).serving()) if foreign else home
    ada = Visitor(context, f"{home.url}/old.html")
    ada.connect(site.url, **SCRIPTS)
    for part in (TEXTS, BYTES, [["nested", [b"\x00", {"a": "€"}], None, 1.5]]):
        assert ada.ask("echo", *part) == part
        assert site.received.pop() == tuple(part)
    check_scripts(ada)


def test_many_in_a_row_by_scripts(context: BrowserContext, sites: ExitStack) -> None:
    site = sites.enter_context(Site().serving())
    ada = Visitor(context, f"{site.url}/old.html")
    ada.connect(site.url, **SCRIPTS)
    ada.page.evaluate("() => { for (let n = 0; n < 200; n++) socket.emit('echo', n, '\\n'); }")
    assert ada.ask("echo", "end") == ["end"]
    assert site.received == [*((number, "\n") for number in range(200)), ("end",)]
    ada.ask("flood", 200)
    assert ada.heard(200) == [[number] for number in range(200)]
    check_scripts(ada)


def test_messages_of_engine_io_by_scripts(context: BrowserContext, sites: ExitStack) -> None:
    site = sites.enter_context(Site().serving())
    ada = Visitor(context, f"{site.url}/old.html")
    ada.connect(site.url, **SCRIPTS)
    # A line end of a Mac, or of Windows, is another one in a form; and so is the one behind a backslash.
    texts = [text.replace("\r", "").replace("\\\n", "\n") for text in TEXTS]
    sent: list[str | bytes] = [*texts, *BYTES]
    assert ada.echo(site.url, sent, **SCRIPTS) == sent


@pytest.mark.parametrize("page", ["old", "hidden"])
def test_the_scripts_of_a_page_that_is_not_allowed(context: BrowserContext, sites: ExitStack, page: str) -> None:
    home, site = sites.enter_context(Site().serving()), sites.enter_context(Site().serving())
    eve = Visitor(context, f"{home.url}/{page}.html")
    assert "jsonp poll error" in eve.refused(site.url, **SCRIPTS)
    [refusal] = site.refused
    assert refusal.message == "Origin not allowed"
    assert refusal.request.params["j"] == "0"
    assert refusal.request.header("referer") == (f"{home.url}/" if page == "old" else None)
    # One of its own origin is, also when it hides that.
    ada = Visitor(context, f"{site.url}/{page}.html")
    assert ada.connect(site.url, **SCRIPTS)


def kinds(responses: list[Response]) -> set[str]:
    return {response.headers["content-type"] for response in responses if response.request.method == "GET"}


def test_binary_payloads(context: BrowserContext, sites: ExitStack) -> None:
    site = sites.enter_context(Site().serving())
    ada = Visitor(context, f"{site.url}/old.html")
    ada.connect(site.url, transports=["polling"], upgrade=False)
    for part in (TEXTS, BYTES):
        assert ada.ask("echo", *part) == part
        assert site.received.pop() == tuple(part)
    assert ada.complaints == []
    assert kinds(ada.responses) == {"text/plain; charset=UTF-8", "application/octet-stream"}
    assert ada.echo(site.url, [*TEXTS, *BYTES], transports=["polling"], upgrade=False) == [*TEXTS, *BYTES]


def test_old_and_new_in_one_room(context: BrowserContext, sites: ExitStack) -> None:
    site = sites.enter_context(Site().serving())
    scripted, upgraded = Visitor(context, f"{site.url}/old.html"), Visitor(context, f"{site.url}/old.html")
    new = Visitor(context, f"{site.url}/new.html")
    scripted.connect(site.url, **SCRIPTS)
    for visitor in (upgraded, new):
        visitor.connect(site.url)
        visitor.page.wait_for_function("() => socket.io.engine.transport.name === 'websocket'")
    everybody = [scripted, upgraded, new]
    for visitor in everybody:
        # By then it is in the room.
        visitor.ask("echo")
    for speaker in everybody:
        speaker.emit("say", *TEXTS, *BYTES)
        for listener in everybody:
            if listener is not speaker:
                assert listener.heard(1) == [[*TEXTS, *BYTES]]
    assert [visitor.complaints for visitor in everybody] == [[], [], []]
