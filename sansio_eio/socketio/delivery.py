"""How a packet is sent."""

from dataclasses import dataclass


@dataclass(slots=True, frozen=True)
class Delivery:
    """How a packet is sent: not at all to whoever is busy (`volatile`), or without compression."""

    volatile: bool = False
    compress: bool = True


PLAIN = Delivery()
