"""socket.io-client 1.x and 2.x: what is only theirs. Most scenarios of the other modules run with them as well."""

from typing import Any

import pytest

from tests.conformance.conftest import EVERY_FORM, Dial
from tests.conformance.servers import Server


@pytest.fixture(autouse=True)
def only_old_clients(version: str) -> None:
    """See `pytest_generate_tests`."""
    assert version in {"1", "2"}


@pytest.mark.old_clients(*EVERY_FORM, oldest=EVERY_FORM)
def test_connects(dial: Dial, server: Server) -> None:
    """To both namespaces in one session, and the ids are made of its id."""
    client = dial()
    main, custom = client.socket(), client.socket("/custom")
    sid = main.connected()
    assert len(sid) == 20
    custom.connected()
    assert main.expect("auth") == custom.expect("auth") == [{}]
    assert server.logged("connection", id=sid)["namespace"] == "/"
    assert server.logged("connection", id=f"/custom#{sid}")["namespace"] == "/custom"


@pytest.mark.old_clients("upgrade", oldest=("websocket",))
def test_query_of_a_namespace(dial: Dial, server: Server) -> None:
    query: dict[str, Any] = {"token": "☃ b&c=d,e?", "n": 1, "empty": ""}
    client = dial(query={"extra": "of the transport"}, extraHeaders={"x-test": "tested"})
    main, custom = client.socket(), client.socket("/custom", auth=query)
    sid = main.connected()
    custom.connected()
    expected = {"token": "☃ b&c=d,e?", "n": "1", "empty": ""}
    assert custom.expect("auth") == [expected]
    assert server.logged("connection", id=f"/custom#{sid}")["auth"] == expected
    for socket, auth in ((main, {}), (custom, expected)):
        handshake = socket.call("handshake")[0]
        assert (handshake["auth"], handshake["query"], handshake["test"]) == (auth, "of the transport", "tested")


@pytest.mark.parametrize("namespace", ["/nowhere", "/custom/", "/room-x", "/dynamic-shut", "/nowhere?x=1"])
def test_unknown_namespace(dial: Dial, namespace: str) -> None:
    client = dial()
    socket = client.socket(namespace)
    if "?" in namespace:
        # It is answered with the bare name, which these clients do not know for their own.
        socket = client.socket(namespace.partition("?")[0])
    assert socket.refused() == {"message": "Invalid namespace"}


def test_refused_at_the_main_namespace(dial: Dial) -> None:
    """All namespaces hear of it; only this one is lost."""
    client = dial("/members/socket.io/")
    main, custom = client.socket(), client.socket("/custom")
    assert main.refused() == custom.refused() == ["not you"]
    custom.connected()
    assert custom.call("message-with-ack", 1) == [1]
    assert main.state["connected"] is False


def test_joins_a_namespace_again_with_the_same_id(dial: Dial, server: Server) -> None:
    client = dial()
    sid = client.socket().connected()
    custom = client.socket("/custom")
    for _ in range(2):
        assert custom.connected() == f"/custom#{sid}"
        server.logged("connection", id=f"/custom#{sid}")
        custom.disconnect()
        assert custom.disconnected() == "io client disconnect"
        assert server.logged("disconnect", id=f"/custom#{sid}")["reason"] == "client namespace disconnect"
        custom.connect()
    custom.connected()
    assert custom.call("message-with-ack", b"\x00") == [b"\x00"]


TEXT = "€ ä😀\u2028"


@pytest.mark.old_clients(oldest=("websocket", "websocket-base64"))
@pytest.mark.parametrize("args", [[TEXT], [b"\x00\xff", TEXT, {"deep": [b""]}]], ids=["text", "binary"])
def test_messages_of_the_oldest(dial: Dial, args: list[Any]) -> None:
    socket = dial().socket("/custom", answers={"question": "echo"})
    socket.connected()
    socket.emit("message", *args)
    assert socket.expect("message-back") == args
    assert socket.call("message-with-ack", *args) == args
    socket.emit("ask", 5, *args)
    assert socket.expect("answered") == ["value", *args]


@pytest.mark.old_clients(oldest=("polling", "polling-base64", "upgrade"))
@pytest.mark.parametrize("args", [["plain"], [b"\x00\xff", "plain", {"deep": [b""]}]], ids=["text", "binary"])
def test_messages_of_the_oldest_over_polling(dial: Dial, args: list[Any]) -> None:
    socket = dial().socket("/custom", answers={"question": "echo"})
    socket.connected()
    socket.emit("message", *args)
    assert socket.expect("message-back") == args
    assert socket.call("message-with-ack", *args) == args
    socket.emit("ask", 5, *args)
    assert socket.expect("answered") == ["value", *args]


@pytest.mark.old_clients(oldest=("polling", "polling-base64"))
def test_text_of_the_oldest_over_polling(dial: Dial, server: Server, transport: str) -> None:
    """Beyond ASCII, 1.x encodes a text payload in UTF-8 twice and expects the same: nobody has done so since 2.0."""
    client = dial()
    sid = client.socket().connected()
    socket = client.socket("/watched")
    socket.connected()
    socket.emit("count", 1, "ä")
    entry = server.logged("any", id=f"/watched#{sid}")
    if transport == "polling":
        # It writes binary payloads, which are as today. What comes back is a text payload.
        assert entry["args"] == [1, "ä"]
        assert socket.disconnected() == "transport error"
    else:
        assert entry["args"] == [1, "Ã¤"]
        assert socket.expect("ä") == [0]
