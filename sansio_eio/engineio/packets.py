"""Engine.IO packets: pure functions. `payloads` has those of long-polling, `revision` what depends on the revision.

A text packet is one type digit and its data. A binary message is its bytes; where bytes cannot be sent as they are, it
is base64 behind a "b".
"""

from binascii import a2b_base64
from typing import cast

from sansio_eio.engineio.outgoing import Outgoing
from sansio_eio.errors import LocalProtocolError, RemoteProtocolError

OPEN = "0"
CLOSE = "1"
PING = "2"
PONG = "3"
MESSAGE = "4"
#: The type of a binary message in revision 3.
MESSAGE_BYTE = b"\x04"
UPGRADE = "5"
NOOP = "6"
#: A binary message in base64, where bytes cannot be sent as they are.
BASE64 = "b"

#: What a client sends first on a WebSocket that it wants to upgrade to, and the answer.
PROBE = PING + "probe"
PROBE_ANSWER = PONG + "probe"

PING_PACKET = Outgoing((PING,), compress=False)
PROBE_ANSWER_PACKET = Outgoing((PROBE_ANSWER,), compress=False)
CLOSE_PACKET = Outgoing((CLOSE,), compress=False)
NOOP_PACKET = Outgoing((NOOP,), compress=False)
PONG_PACKET = Outgoing((PONG,), compress=False)
PROBE_PACKET = Outgoing((PROBE,), compress=False)
UPGRADE_PACKET = Outgoing((UPGRADE,), compress=False)

#: Between the packets of a payload, in revision 4.
SEPARATOR = "\x1e"

_URL_SAFE = str.maketrans("-_", "+/")


def as_message(data: object) -> str | bytes:
    """The data of a message, unchanging; LocalProtocolError when it is neither text nor bytes."""
    if isinstance(data, (str, bytes)):
        return data
    if isinstance(data, (bytearray, memoryview)):
        return bytes(cast("bytearray | memoryview[int]", data))
    raise LocalProtocolError(f"a message is str or bytes, not {type(data).__name__}")


def messages(data: tuple[str | bytes, ...], *, compress: bool = True, volatile: bool = False) -> Outgoing:
    """The packet for messages that travel together, such as a Socket.IO packet and its attachments."""
    packets = tuple([MESSAGE + part if isinstance(part, str) else part for part in data])
    return Outgoing(packets, compress=compress, volatile=volatile)


def decode_base64(text: str) -> bytes:
    """Base64, padded or not; the URL-safe alphabet counts, and other ASCII is passed over, as the reference does.

    Raises RemoteProtocolError when what is left is not base64.
    """
    if "-" in text or "_" in text:
        text = text.translate(_URL_SAFE)
    try:
        # More padding than needed does no harm, and how much is needed depends on what is passed over.
        return a2b_base64(text + "==")
    except ValueError as error:
        raise RemoteProtocolError("invalid base64 in a binary packet") from error
