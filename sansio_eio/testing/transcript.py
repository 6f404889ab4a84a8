"""What went over the wire, as text for a person."""

from collections import deque
from collections.abc import Callable

#: So many lines are kept, the newest.
MAX_LINES = 10_000
#: So many characters, or bytes, of one packet are shown.
MAX_SHOWN = 100
#: So many lines are in the message of a failure.
TAIL = 40


class Transcript:
    """One line for each packet, request, response, beginning, end and fault, as the client sees it."""

    __slots__ = ("_clock", "_dropped", "_lines")

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lines: deque[str] = deque(maxlen=MAX_LINES)
        self._dropped = 0

    def add(self, name: str, arrow: str, label: str, text: str) -> None:
        """Something happened, now, to the client `name`."""
        if len(self._lines) == MAX_LINES:
            self._dropped += 1
        self._lines.append(f"{self._clock():>9.3f}  {name:<5} {arrow} {label:<5} {text}".rstrip())

    def tail(self, count: int = TAIL) -> str:
        """The last `count` lines, and how many there were before them."""
        return self._show(list(self._lines)[-count:], len(self._lines) - count)

    def head(self, count: int = TAIL) -> str:
        """What is before the last `count` lines; "" when there is nothing."""
        return self._show(list(self._lines)[:-count], 0)

    def _show(self, lines: list[str], before: int) -> str:
        hidden = self._dropped + max(before, 0)
        return "\n".join([*([f"({hidden} earlier lines)"] if hidden else []), *lines])

    def __str__(self) -> str:
        return self.tail(MAX_LINES)


def describe(packet: str | bytes) -> str:
    """A packet on one line; a long one is shortened."""
    size = len(packet)
    if isinstance(packet, bytes):
        shown = packet[: MAX_SHOWN // 4].hex(" ")
        return f"<{size} bytes: {shown}{' …' if size > MAX_SHOWN // 4 else ''}>"
    shown = packet[:MAX_SHOWN].replace("\r", "\\r").replace("\n", "\\n")
    return shown if size <= MAX_SHOWN else f"{shown}… ({size} characters)"
