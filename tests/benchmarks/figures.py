"""What the load generator finds out about a server."""

import json
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(slots=True)
class Echo:
    """Round trips with acknowledgement, each WebSocket one at a time."""

    per_second: float
    median_us: float
    p99_us: float
    #: CPU time of the server for one message.
    cpu_us: float
    #: The part of the time in which the generator computed; near 1, the rate is the generator's limit.
    generator_busy: float


@dataclass(slots=True)
class Broadcast:
    """One event to all."""

    #: Median, from the request for it to the last client that has it.
    last_ms: float
    cpu_ms: float


@dataclass(slots=True)
class Connects:
    """Connections by long-polling, upgraded."""

    per_second: float
    cpu_ms: float
    generator_busy: float


@dataclass(slots=True)
class Figures:
    """One round."""

    memory_kb: float
    broadcast: Broadcast
    #: By the number of WebSockets.
    echoes: dict[int, Echo]
    connects: Connects

    def to_json(self) -> str:
        """For another process."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "Figures":
        """The other way round."""
        values: dict[str, Any] = json.loads(text)
        return cls(
            memory_kb=values["memory_kb"],
            broadcast=Broadcast(**values["broadcast"]),
            echoes={int(count): Echo(**echo) for count, echo in values["echoes"].items()},
            connects=Connects(**values["connects"]),
        )
