"""Negotiating permessage-deflate, and sending with it (RFC 7692)."""

import secrets
import zlib

import pytest

from sansio_eio.engineio import Outgoing
from sansio_eio.http.deflate import Deflate, frame_header, negotiate

BASE = "permessage-deflate; server_no_context_takeover; client_no_context_takeover"

OFFERS = {
    "": None,
    "permessage-deflate": BASE,
    "Permessage-Deflate; client_max_window_bits": BASE,
    "permessage-deflate; client_max_window_bits=10": BASE,
    'permessage-deflate; server_max_window_bits="12"; server_no_context_takeover': f"{BASE}; server_max_window_bits=12",
    "permessage-deflate ;client_no_context_takeover": BASE,
    "x-webkit-deflate-frame": None,
    "x-other; a=b, permessage-deflate": BASE,
    "permessage-deflate; server_max_window_bits=8": None,
    "permessage-deflate; server_max_window_bits=8, permessage-deflate": BASE,
    "permessage-deflate; server_max_window_bits": None,
    "permessage-deflate; server_max_window_bits=16": None,
    "permessage-deflate; server_max_window_bits=09": None,
    "permessage-deflate; client_max_window_bits=7": None,
    "permessage-deflate; server_no_context_takeover=1": None,
    "permessage-deflate; client_max_window_bits; client_max_window_bits": None,
    "permessage-deflate; unknown": None,
    "permessage-deflate; ": None,
}


@pytest.mark.parametrize("offer", OFFERS)
def test_negotiation(offer: str) -> None:
    accepted = negotiate(offer)
    assert (None if accepted is None else accepted.answer) == OFFERS[offer]


def inflate(frames: bytes, wbits: int = -15) -> bytes:
    """The payload of one frame with a length of two bytes or one."""
    payload = frames[4:] if frames[1] == 126 else frames[2:]
    return zlib.decompressobj(wbits).decompress(payload + b"\x00\x00\xff\xff")


@pytest.mark.parametrize("bits", [None, 9, 15])
def test_large_packets_are_compressed(bits: int | None) -> None:
    data = "".join(f"line {i % 50}\n" for i in range(1000))
    frames = Deflate(bits).frames(Outgoing((data,)))
    assert frames[0] == 0xC1
    assert len(frames) < len(data) // 4
    assert inflate(frames, -(bits or 15)) == data.encode()


def test_each_packet_on_its_own() -> None:
    frames = Deflate(None).frames(Outgoing(("small", b"x" * 5000)))
    assert frames[:7] == b"\x81\x05small"
    assert frames[7] == 0xC2
    assert inflate(frames[7:]) == b"x" * 5000


def test_what_is_not_compressed() -> None:
    small, unwanted = Outgoing(("a" * 1000,)), Outgoing(("a" * 5000,), compress=False)
    assert Deflate(None).frames(small) is small.frame
    assert Deflate(None).frames(unwanted) is unwanted.frame
    noise = Outgoing((secrets.token_bytes(5000),))
    assert Deflate(None).frames(noise) == noise.frame


@pytest.mark.parametrize("size", [0, 125, 126, 65535, 65536])
def test_headers_as_the_shared_frames_have_them(size: int) -> None:
    assert Outgoing((b"x" * size,)).frame.removesuffix(b"x" * size) == frame_header(0x82, size)
