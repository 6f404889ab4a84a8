"""The two classes of error."""

import pytest

from sansio_eio.errors import LocalProtocolError, ProtocolError, RemoteProtocolError


@pytest.mark.parametrize("kind", [LocalProtocolError, RemoteProtocolError])
def test_both_kinds_are_protocol_errors_and_neither_is_the_other(kind: type[ProtocolError]) -> None:
    assert issubclass(kind, ProtocolError)
    assert issubclass(ProtocolError, Exception)
    assert not issubclass(LocalProtocolError, RemoteProtocolError)
    assert not issubclass(RemoteProtocolError, LocalProtocolError)
