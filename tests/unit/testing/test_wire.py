"""How the bytes travel."""

from sansio_eio.testing.dice import Dice
from sansio_eio.testing.wires import Conditions, split


def test_splitting() -> None:
    assert split(b"abcdefg", Conditions(), None) == [b"abcdefg"]
    assert split(b"abcdefg", Conditions(piece=3), None) == [b"abc", b"def", b"g"]
    assert split(b"abcdefg", Conditions(places=(5, 1, 5, 7, 100)), None) == [b"a", b"bcde", b"fg"]
    for seed in range(50):
        pieces = split(b"abcdefg", Conditions(), Dice(seed))
        assert b"".join(pieces) == b"abcdefg"
        assert b"" not in pieces
        assert 1 <= len(pieces) <= 4
    assert split(b"a", Conditions(), Dice(1)) == [b"a"]
