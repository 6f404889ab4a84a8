"""The parsers of the reference, in a process of their own, and what their packets look like here."""

from typing import Any, cast

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from sansio_eio.socketio.packets import Packet
from tests.conformance.processes import Child
from tests.properties.packet_strategies import utf8_text


class ReferenceParsers:
    """What runs is tests/js/parsers.js. `parser` is "text" or "msgpack"."""

    def __init__(self, parser: str) -> None:
        self._parser = parser
        self._child = Child(["node", "tests/js/parsers.js"])

    def _ask(self, **command: object) -> dict[str, Any]:
        self._child.write({"parser": self._parser, **command})
        return cast("dict[str, Any]", self._child.inbox.take(lambda _: True, command))

    def encode(self, packet: dict[str, Any]) -> list[str | bytes]:
        """The messages of one packet."""
        return cast("list[str | bytes]", self._ask(packet=packet)["messages"])

    def decode(self, *messages: str | bytes) -> list[dict[str, Any]] | None:
        """The packets in these messages; None when one of them is refused."""
        return cast("list[dict[str, Any]] | None", self._ask(messages=messages).get("packets"))

    def stop(self) -> None:
        """End the process, which has to be well."""
        assert self._child.stop() in {0, -15}
        assert self._child.errors == ""


def as_object(packet: Packet) -> dict[str, Any]:
    """The packet as the object that it is for the reference."""
    parts = {"type": packet.type.value, "nsp": packet.namespace, "data": packet.data, "id": packet.id}
    return {name: value for name, value in parts.items() if value is not None}


def in_javascript(value: Any) -> Any:
    """What becomes of a value: all numbers are floats there, all sequences are arrays."""
    match value:
        case bool():
            return value
        case int() | float():
            return float(value)
        case dict():
            return {key: in_javascript(item) for key, item in cast("dict[str, Any]", value).items()}
        case list() | tuple():
            return [in_javascript(item) for item in cast("list[Any]", value)]
        case _:
            return value


def _is_plain(key: str) -> bool:
    return not key.isdigit() and key != "__proto__" and key[:1] != "$"


def plain_keys(text: SearchStrategy[str]) -> SearchStrategy[str]:
    """Not integers, which JavaScript sorts, nor `__proto__`, which the reference loses, nor what is the pipe's own."""
    return text.filter(_is_plain)


leaves: SearchStrategy[Any] = (
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.binary(max_size=300) | utf8_text
)
