"""The demo as a person starts it, and a headless Chromium that looks at it."""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, sync_playwright

ROOT = Path(__file__).parents[2]
CHAT = ROOT / "docs" / "examples" / "chat"
ARTIFACTS = ROOT / "test-artifacts" / "browser"
#: Seconds that the server may take to listen.
START_LIMIT = 20.0

CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
#: The browser keeps to itself: no update, no sync, no call home, no protocol but TCP.
CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def chromium_path() -> str:
    found = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, CHROMIUM_NAMES)), None)
    if found is None:
        pytest.fail("missing: Chromium (`make test` installs it as root on Debian; or set CHROMIUM=/path/to/it)")
    return found


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def wait_until_it_listens(server: subprocess.Popen[str], port: int) -> None:
    end = time.monotonic() + START_LIMIT
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            if server.poll() is not None or time.monotonic() > end:
                pytest.fail(f"the demo does not listen on port {port}: {server.poll()=}")
            time.sleep(0.05)
        else:
            return


@pytest.fixture
def chat_url() -> Iterator[str]:
    """The address of docs/examples/chat/server.py, run as a program of its own."""
    if not (CHAT / "node_modules").is_dir():
        pytest.fail("missing: the client bundle of the demo (`make test` installs it)")
    port = free_port()
    with subprocess.Popen(
        [sys.executable, str(CHAT / "server.py"), str(port)], text=True, stderr=subprocess.PIPE
    ) as server:
        try:
            wait_until_it_listens(server, port)
            yield f"http://127.0.0.1:{port}/"
        finally:
            server.terminate()
            _, complaints = server.communicate(timeout=20)
    assert "Traceback" not in complaints, complaints


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    # Playwright gives every launch a fresh profile.
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path(), headless=True, args=CHROMIUM_FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(viewport={"width": 1200, "height": 800}, color_scheme="light", locale="en-GB")
    context.set_default_timeout(15_000)
    yield context
    context.close()


@pytest.fixture(scope="session")
def artifacts() -> Path:
    """Where screenshots are kept."""
    ARTIFACTS.mkdir(parents=True, exist_ok=True)
    return ARTIFACTS
