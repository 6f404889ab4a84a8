"""The two classes of error.

The *caller's* mistake is raised as `LocalProtocolError` and changes nothing. The *peer's* mistake is never
raised out of an input: it becomes an HTTP error or a close with a reason, and the application finds it as the
`error` of the event that reports the end (a `RemoteProtocolError`).
"""


class ProtocolError(Exception):
    """Base class of the two kinds of protocol error; never raised itself."""


class LocalProtocolError(ProtocolError):
    """You asked for something that the protocol, the state or a limit does not allow. Nothing has changed."""


class RemoteProtocolError(ProtocolError):
    """The peer broke the protocol or a limit. Reported in events and to `on_error` hooks, never raised."""
