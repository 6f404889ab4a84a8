"""Numbers that look like chance and are the same for the same seed, on every machine and version of Python."""

_MASK = (1 << 64) - 1


class Dice:
    """The generator splitmix64 (Steele, Lea and Flood, 2014): small, quick, and good enough to stir a test."""

    __slots__ = ("_state",)

    def __init__(self, seed: int) -> None:
        self._state = seed & _MASK

    def roll(self) -> int:
        """64 bits."""
        self._state = (self._state + 0x9E3779B97F4A7C15) & _MASK
        bits = self._state
        bits = ((bits ^ (bits >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
        bits = ((bits ^ (bits >> 27)) * 0x94D049BB133111EB) & _MASK
        return bits ^ (bits >> 31)

    def below(self, limit: int) -> int:
        """A number from 0 to `limit` - 1."""
        return self.roll() % limit

    def chance(self) -> float:
        """A number from 0 up to, not including, 1."""
        return (self.roll() >> 11) / (1 << 53)

    def token_bytes(self, count: int) -> bytes:
        """Bytes that nobody needs to guess: see `ClientEndpoint`."""
        return b"".join([self.roll().to_bytes(8, "big") for _ in range(0, count, 8)])[:count]
