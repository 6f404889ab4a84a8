"""The plugin of pytest, in a run of pytest inside of this one."""

import subprocess
import sys

import pytest

pytest_plugins = ["pytester"]

APPLICATION = """
from sansio_eio import Server

io = Server()

@io.on("echo")
def echo(socket, value):
    return value
"""


def run(pytester: pytest.Pytester, test: str) -> pytest.RunResult:
    """Run a test file; the plugin is loaded by hand, so that it does not matter whether it is installed."""
    pytester.makepyfile(application=APPLICATION, test_it="from application import io\n" + test)
    pytester.syspathinsert()
    return pytester.runpytest_inprocess("-p", "no:sansio_eio", "-p", "sansio_eio_pytest", "-p", "no:cacheprovider")


def test_the_fixture_makes_networks_and_closes_them(pytester: pytest.Pytester) -> None:
    result = run(
        pytester,
        """
        def test_one(sansio_eio_network):
            net = sansio_eio_network(io, seed=1)
            assert net.connect().call("echo", 1) == 1

        def test_another(sansio_eio_network):
            assert io.engine.runtime is None  # the first network is closed
            assert sansio_eio_network(io).connect().call("echo", 2) == 2

        def test_none():
            pass
        """.replace("\n        ", "\n"),
    )
    result.assert_outcomes(passed=3)


def test_a_failure_shows_the_wire(pytester: pytest.Pytester) -> None:
    result = run(
        pytester,
        """
        def test_it(sansio_eio_network):
            net = sansio_eio_network(io, seed=7)
            assert net.connect(transport="websocket").call("echo", "what it was") == "something else"
        """.replace("\n        ", "\n"),
    )
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["*- the wire (seed 7), up to 0.000 s -*", '*ada   -> ws    420[[]"echo","what it was"[]]'],
    )


def test_forgotten_errors_and_handlers_fail_the_test(pytester: pytest.Pytester) -> None:
    result = run(
        pytester,
        """
        import pytest

        @pytest.mark.parametrize("event", ["fail", "stay"])
        def test_it(sansio_eio_network, event):
            net = sansio_eio_network(io)

            @io.on("fail")
            def fail(socket):
                raise ValueError("forgotten")

            @io.on("stay")
            async def stay(socket):
                await net.sleep(1e9)

            net.connect().emit(event)
            other = sansio_eio_network(type(io)())
        """.replace("\n        ", "\n"),
    )
    result.assert_outcomes(passed=2, errors=2)
    result.stdout.fnmatch_lines(
        ["*ValueError('forgotten') was raised in a handler of fail", "*still running*stay, line *"]
    )


def test_the_kit_loads_neither_pytest_nor_an_event_loop() -> None:
    program = (
        "import sansio_eio.testing, sys;"
        "print(*sorted({'pytest', '_pytest', 'asyncio', 'trio', 'socket', 'select'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == ""
