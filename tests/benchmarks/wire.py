"""The client's side of the wire, by hand: what a load generator and a network-free benchmark need, and no more."""

#: A key for the handshake (RFC 6455, section 4.1); nobody checks that it is random.
WEBSOCKET_KEY = "AAAAAAAAAAAAAAAAAAAAAA=="


def client_frame(payload: str | bytes) -> bytes:
    """A masked frame whose key is zero, which leaves the payload as it is (RFC 6455, section 5.3)."""
    first = b"\x81" if isinstance(payload, str) else b"\x82"
    data = payload.encode() if isinstance(payload, str) else payload
    if len(data) < 126:
        return first + bytes((0x80 | len(data),)) + bytes(4) + data
    return first + b"\xfe" + len(data).to_bytes(2, "big") + bytes(4) + data


def server_frame(payload: str) -> bytes:
    """The frame that a server sends for a text below 126 bytes."""
    data = payload.encode()
    return bytes((0x81, len(data))) + data


def take_frame(buffer: bytes) -> tuple[bytes, bytes] | None:
    """The payload of the first (unmasked, whole) frame and the bytes behind it; None while it is not complete."""
    if len(buffer) < 2:
        return None
    length, start = buffer[1], 2
    if length == 126:
        length, start = int.from_bytes(buffer[2:4], "big"), 4
    if length == 127 or len(buffer) < start or len(buffer) < start + length:
        return None
    return buffer[start : start + length], buffer[start + length :]


def websocket_request(sid: str = "") -> bytes:
    """The handshake of a WebSocket, for a new session or for the upgrade of the session `sid`."""
    return (
        f"GET {_target('websocket', sid)} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {WEBSOCKET_KEY}\r\n\r\n"
    ).encode()


def poll_request(sid: str = "") -> bytes:
    """A GET of long-polling; without `sid`, the one that opens a session."""
    return f"GET {_target('polling', sid)} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()


def post_request(sid: str, payload: str) -> bytes:
    """A POST of long-polling."""
    body = payload.encode()
    return (
        f"POST {_target('polling', sid)} HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        f"Content-Type: text/plain;charset=UTF-8\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode() + body


def take_response(buffer: bytes) -> tuple[bytes, bytes] | None:
    """The body of the first response and the bytes behind it; None while it is not complete. ValueError: not a 200."""
    head, separator, rest = buffer.partition(b"\r\n\r\n")
    if not separator:
        return None
    if not head.startswith(b"HTTP/1.1 200"):
        raise ValueError(f"not a 200: {buffer!r}")
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
            return None if len(rest) < length else (rest[:length], rest[length:])
    return _take_chunks(rest)


def _take_chunks(rest: bytes) -> tuple[bytes, bytes] | None:
    body = b""
    while True:
        size, separator, rest = rest.partition(b"\r\n")
        length = int(size, 16) if separator else 0
        if not separator or len(rest) < length + 2:
            return None
        body, rest = body + rest[:length], rest[length + 2 :]
        if length == 0:
            return body, rest


def _target(transport: str, sid: str) -> str:
    return f"/socket.io/?EIO=4&transport={transport}" + (f"&sid={sid}" if sid else "")
