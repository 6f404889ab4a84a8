"""A person opens the demo in two tabs, and everything that it promises happens."""

from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Locator, expect

from tests.browser.picture import landscape
from tests.browser.tab import Tab

pytestmark = pytest.mark.browser

#: Fetches the bytes behind an <img> whose source is a blob.
BYTES_OF_IMAGE = "async image => [...new Uint8Array(await (await fetch(image.src)).arrayBuffer())]"


def bytes_of(image: Locator) -> bytes:
    return bytes(image.evaluate(BYTES_OF_IMAGE))


def test_two_tabs_chat_over_websocket_after_an_upgrade(chat_url: str, context: BrowserContext, artifacts: Path) -> None:
    ada = Tab.open(context, chat_url, "Ada Lovelace")
    ada.expect_people("Ada Lovelace")
    grace = Tab.open(context, chat_url, "Grace Hopper")
    for tab in (ada, grace):
        tab.expect_people("Ada Lovelace", "Grace Hopper")
        tab.expect_websocket()

    ada.type("Hello Grace")
    expect(grace.find("typing")).to_contain_text("Ada Lovelace is typing")
    ada.find("send").click()
    grace.expect_heard("Hello Grace")
    expect(grace.find("typing")).to_be_empty()
    ada.expect_delivered(1)

    grace.send("Hello Ada! Your notes arrived 😃")
    grace.send("I read the one on the numbers twice.")
    ada.expect_heard("Hello Ada! Your notes arrived 😃")
    ada.expect_heard("I read the one on the numbers twice.")
    grace.expect_delivered(2)

    picture = landscape()
    ada.find("picture").set_input_files({"name": "evening.png", "mimeType": "image/png", "buffer": picture})
    ada.expect_delivered(2)
    assert bytes_of(grace.find("image")) == picture
    assert picture in grace.frames("received")
    ada.send("This is the view from here.")
    grace.expect_heard("This is the view from here.")
    ada.expect_delivered(3)

    grace.type("What a sky")
    expect(ada.find("typing")).to_contain_text("Grace Hopper is typing")
    ada.page.screenshot(path=artifacts / "chat-light.png")
    grace.page.emulate_media(color_scheme="dark")
    grace.page.screenshot(path=artifacts / "chat-dark.png")
    grace.page.set_viewport_size({"width": 390, "height": 780})
    grace.page.screenshot(path=artifacts / "chat-phone.png")

    for tab in (ada, grace):
        check_upgrade(tab)
        assert tab.complaints == []


def check_upgrade(tab: Tab) -> None:
    """The session began with long-polling, was probed and upgraded, and what was said since went over the WebSocket."""
    handshake, *rest = tab.wire
    assert (handshake.transport, handshake.what, handshake.sid) == ("polling", "GET", None)
    assert len({seen.sid for seen in rest if seen.sid}) == 1
    assert [seen.sid for seen in tab.wire if seen.what == "open"] == [seen.sid for seen in rest if seen.sid][:1]
    assert tab.frames("sent")[:2] == ["2probe", "5"]
    assert tab.frames("received")[0] == "3probe"
    upgraded = next(index for index, seen in enumerate(tab.wire) if seen.data == "5")
    assert {seen.transport for seen in tab.wire[upgraded:]} == {"websocket"}
    said = [
        seen.data for seen in tab.wire[upgraded:] if str(seen.data).startswith("42") and '"message"' in str(seen.data)
    ]
    assert len(said) == 4


def test_rooms_are_apart_and_presence_follows(chat_url: str, context: BrowserContext) -> None:
    ada = Tab.open(context, chat_url, "Ada")
    grace = Tab.open(context, f"{chat_url}#garden", "Grace")
    expect(grace.find("room-name")).to_have_text("garden")
    ada.expect_people("Ada")
    grace.expect_people("Grace")

    ada.send("Nobody in the garden hears this")
    ada.expect_delivered(1)
    ada.find("rooms").get_by_role("button", name="garden").click()
    grace.expect_people("Ada", "Grace")
    ada.send("Now you do")
    grace.expect_heard("Now you do")
    expect(grace.find("theirs")).to_have_count(1)

    ada.page.close()
    grace.expect_people("Grace")
    expect(grace.page.get_by_role("log")).to_contain_text("Ada left")
    assert grace.complaints == []
