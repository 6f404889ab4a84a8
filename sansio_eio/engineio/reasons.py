"""Why an Engine.IO session ended; the strings are those of the reference, but for the last."""

FORCED_CLOSE = "forced close"
PARSE_ERROR = "parse error"
PING_TIMEOUT = "ping timeout"
TRANSPORT_CLOSE = "transport close"
TRANSPORT_ERROR = "transport error"
#: The buffers of the reference have no bound.
SLOW_CONSUMER = "slow consumer"
