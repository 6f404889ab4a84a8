"""HTTP and WebSocket by hand in revision 3, with the notation of revision 4 where a scenario is for both."""

from base64 import b64encode

from tests.conformance.raw import Answer, Polling, WebSocket, request
from tests.conformance.servers import Server

POLLING = "EIO=3&transport=polling"
WEBSOCKET = "EIO=3&transport=websocket"
OCTET_STREAM = {"Content-Type": "application/octet-stream"}


def text_payload(*packets: str) -> str:
    """The text form: each packet behind its length in UTF-16 code units."""
    return "".join([f"{len(packet.encode('utf-16-le', 'surrogatepass')) // 2}:{packet}" for packet in packets])


def read_text_payload(payload: str) -> list[str]:
    """The packets of a text payload."""
    packets: list[str] = []
    while payload:
        length, _, rest = payload.partition(":")
        units = rest.encode("utf-16-le")
        packet = units[: 2 * int(length)]
        assert len(packet) == 2 * int(length)
        packets.append(packet.decode("utf-16-le"))
        payload = units[len(packet) :].decode("utf-16-le")
    return packets


def binary_payload(*packets: str | bytes) -> bytes:
    """The binary form; bytes come with the byte of their type."""
    parts: list[bytes] = []
    for packet in packets:
        data = packet.encode() if isinstance(packet, str) else packet
        digits = bytes([int(digit) for digit in str(len(data))])
        parts.append((b"\x00" if isinstance(packet, str) else b"\x01") + digits + b"\xff" + data)
    return b"".join(parts)


def read_binary_payload(payload: bytes) -> list[str | bytes]:
    """The packets of a binary payload."""
    packets: list[str | bytes] = []
    while payload:
        digits, _, rest = payload[1:].partition(b"\xff")
        length = int("".join([str(digit) for digit in digits]))
        data = rest[:length]
        assert len(data) == length
        packets.append(data if payload[0] else data.decode())
        payload = rest[length:]
    return packets


class OldWebSocket(WebSocket):
    """A WebSocket on which bytes have a byte with their type in front: `send` adds it, and `receive` takes it off."""

    def send(self, data: str | bytes) -> None:
        super().send(data if isinstance(data, str) else b"\x04" + data)

    def receive(self) -> str | bytes:
        data = super().receive()
        if isinstance(data, bytes):
            assert data[:1] == b"\x04"
            return data[1:]
        return data


class OldPolling(Polling):
    """A long-polling session of revision 3."""

    revision = "EIO=3"

    def read(self, answer: Answer) -> str:
        if answer.headers["content-type"] == OCTET_STREAM["Content-Type"]:
            assert (answer.status, answer.headers["cache-control"]) == (200, "no-store")
            return "\x1e".join(
                [
                    packet if isinstance(packet, str) else f"b{b64encode(packet[1:]).decode()}"
                    for packet in read_binary_payload(answer.body)
                ]
            )
        packets = read_text_payload(super().read(answer))
        return "\x1e".join([f"b{packet[2:]}" if packet[:2] == "b4" else packet for packet in packets])

    def push(self, payload: str | bytes) -> None:
        assert isinstance(payload, str)
        packets = [f"b4{packet[1:]}" if packet[0] == "b" else packet for packet in payload.split("\x1e")]
        super().push(text_payload(*packets))

    def push_bytes(self, *packets: str | bytes) -> None:
        """One POST of the binary form."""
        answer = request(self.server, "POST", self.target, binary_payload(*packets), OCTET_STREAM)
        assert (answer.status, answer.text) == (200, "ok")

    def candidate(self) -> OldWebSocket:
        return OldWebSocket(self.server, f"{self.path}?{WEBSOCKET}&sid={self.sid}")


def opened(server: Server, path: str = "/engine.io/", query: str = "") -> OldWebSocket:
    """A WebSocket session of revision 3 that has been opened."""
    websocket = OldWebSocket(server, f"{path}?{WEBSOCKET}{query}")
    assert str(websocket.receive()).startswith("0{")
    return websocket
