"""What must be so at the end of every test of the threads, and certificates."""

# trustme knows contexts of pyOpenSSL, which is not there.
# pyright: reportUnknownMemberType=false

import gc
import ssl
import threading
from collections.abc import Generator
from pathlib import Path

import pytest
import trustme

FILES = Path("/proc/self/fd")


@pytest.fixture(autouse=True)
def nothing_left() -> Generator[None]:
    """Every thread that a test has started, directly or not, has ended; and no socket was forgotten."""
    before = set(threading.enumerate())
    files = open_sockets()
    yield
    assert set(threading.enumerate()) - before == set()
    # A ResourceWarning is an error here, for pytest sees what the garbage collector finds.
    gc.collect()
    assert open_sockets() - files == set()


def open_sockets() -> set[str]:
    """The sockets and selectors of this process, where the system tells."""
    found: set[str] = set()
    for each in FILES.iterdir() if FILES.exists() else ():
        # The one for the listing itself is closed already.
        if each.is_symlink():
            found.add(f"{each.name} {each.readlink()}")
    return {each for each in found if "socket:" in each or "eventpoll" in each}


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def server_context(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    return context


@pytest.fixture(params=[ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3], ids=["1.2", "1.3"])
def client_context(authority: trustme.CA, request: pytest.FixtureRequest) -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.maximum_version = request.param
    authority.configure_trust(context)
    return context
