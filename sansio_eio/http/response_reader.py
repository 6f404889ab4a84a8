"""Bytes to one response: h11 in the client's role."""

import logging

import h11

from sansio_eio.engineio.requests import Response
from sansio_eio.errors import RemoteProtocolError
from sansio_eio.http.headers import find_header
from sansio_eio.http.message_reader import SLICE, MessageReader
from sansio_eio.http.settings import CommonHttpSettings

_log = logging.getLogger("sansio_eio.http")

_START = b"HTTP/"
#: Heads of one response: a server may say that it is still busy (RFC 9110, section 15.2), but not without end.
_MAX_HEADS = 100
# For h11, which wants to know what was asked for, and sends none of it.
_ASKED: list[tuple[bytes, bytes]] = [(b"host", b"-")]
_ASKED_FOR_WEBSOCKET = [*_ASKED, (b"connection", b"upgrade"), (b"upgrade", b"websocket")]


class ResponseReader(MessageReader):
    """The response to one request.

    Call `receive`, then `read`, and so on; `receive_eof` when there is no more. None means that more bytes are needed;
    after anything else, stop. A response is never cut short: what ends too early is an error.
    """

    __slots__ = ("_ended", "_heads", "_response", "_upgrade", "keep_alive")

    def __init__(self, method: str, settings: CommonHttpSettings, *, upgrade: bool = False) -> None:
        super().__init__(settings)
        self._upgrade = upgrade
        self._ended = False
        self._heads = 0
        self._response: Response | None = None
        #: The connection can serve another request. To be looked at behind the response.
        self.keep_alive = False
        self._h11 = connection = h11.Connection(h11.CLIENT, max_incomplete_event_size=SLICE)
        connection.send(h11.Request(method=method, target="/", headers=_ASKED_FOR_WEBSOCKET if upgrade else _ASKED))
        connection.send(h11.EndOfMessage())

    def receive_eof(self) -> None:
        """The server has sent its last byte."""
        self._ended = True

    def read(self, limit: int) -> Response | RemoteProtocolError | None:
        """The response, if it is complete; a body of more than `limit` bytes is an error."""
        try:
            return self._read(limit)
        except h11.RemoteProtocolError as error:
            return RemoteProtocolError(str(error))
        except Exception:
            # h11's one door: whatever a peer can make it raise must not pass.
            _log.exception("h11 failed on a response")
            return RemoteProtocolError("the response cannot be parsed")

    def _read(self, limit: int) -> Response | None:
        connection = self._h11
        assert connection is not None
        while self._response is None:
            head = self._read_head()
            if head is None:
                return None
            connection.receive_data(head)
            self._response = _response(connection.next_event())
            self._heads += 1
            if self._heads > _MAX_HEADS:
                raise h11.RemoteProtocolError("too many informational responses")
        if self._response.status == 101:
            return self._response
        body = self._read_body(connection, limit)
        if body is None and self._ended:
            connection.receive_data(b"")
            body = self._read_body(connection, limit)
        if body is None:
            return None
        if len(body) > limit:
            raise h11.RemoteProtocolError("the response is too large")
        self._response.body = body
        # Bytes that nobody has asked for would be taken for the next response.
        self.keep_alive = connection.their_state is h11.DONE and not self._buffer and not self._ended
        return self._response

    def _read_head(self) -> bytes | None:
        size, complete = self._scan()
        if not self._buffer.startswith(_START[:size]):
            raise h11.RemoteProtocolError("the response is not HTTP")
        if size > self._settings.max_header_size:
            raise h11.RemoteProtocolError("the head of the response is too large")
        if complete:
            head = self._take_head(size)
            if head.count(b"\n") - 2 > self._settings.max_header_count:
                raise h11.RemoteProtocolError("the response has too many header fields")
            return head
        if self._ended:
            raise h11.RemoteProtocolError("the server closed the connection before it answered")
        return None


def _response(event: object) -> Response | None:
    """The response without its body; None for one that another one follows (RFC 9110, section 15.2)."""
    assert isinstance(event, h11.Response | h11.InformationalResponse)
    if event.http_version[:2] != b"1.":
        raise h11.RemoteProtocolError("the server does not speak HTTP/1.1")
    if event.status_code < 200 and event.status_code != 101:
        return None
    headers = [(name.decode("ascii"), value.decode("latin-1")) for name, value in event.headers]
    # It "ought to be handled as an error"  RFC 9112, section 6.3
    if find_header(headers, "transfer-encoding") is not None and find_header(headers, "content-length") is not None:
        raise h11.RemoteProtocolError("the length of the response is ambiguous")
    return Response(event.status_code, headers)
