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


@pytest.fixture(autouse=True)
def like_at_home(monkeypatch: pytest.MonkeyPatch) -> None:
    """In CI, pytest repeats the whole message of each failure in its summary."""
    for name in ("CI", "BUILD_NUMBER"):
        monkeypatch.delenv(name, raising=False)


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


def test_a_report_says_everything_once_and_shows_only_the_test(pytester: pytest.Pytester) -> None:
    result = run(
        pytester,
        """
        def test_it(sansio_eio_network):
            net = sansio_eio_network(io)
            ada = net.connect(transport="websocket")
            ada.expect("news")
        """.replace("\n        ", "\n"),
    )
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "E *sansio_eio.testing.NetworkAssertionError: ada expected ('news',) and has received nothing more",
            "test_it.py:6: NetworkAssertionError",
        ]
    )
    text = result.stdout.str()
    assert text.count("GET /socket.io/") == 1
    assert "network.py" not in text
    assert "client.py" not in text


def test_a_wrong_option_is_shown_where_it_was_written(pytester: pytest.Pytester) -> None:
    result = run(
        pytester,
        """
        def test_it(sansio_eio_network):
            sansio_eio_network(io, seeds=3)
        """.replace("\n        ", "\n"),
    )
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [">*sansio_eio_network(io, seeds=3)", "E *LocalProtocolError: a network has no option seeds*"]
    )
    assert "options.py" not in result.stdout.str()


def test_what_is_too_long_for_the_error_is_in_the_report(pytester: pytest.Pytester) -> None:
    result = run(
        pytester,
        """
        def test_it(sansio_eio_network):
            with sansio_eio_network(io) as net:
                ada = net.connect(transport="websocket")
                for number in range(40):
                    ada.emit("echo", number)
                ada.expect("news")
        """.replace("\n        ", "\n"),
    )
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*(5 earlier lines)", "*- the wire, up to 0.000 s: the lines before -*"])
    text = result.stdout.str()
    assert text.count("GET /socket.io/") == 1
    assert text.count('-> ws    42["echo",39]') == 1


def test_two_networks_can_be_told_apart(pytester: pytest.Pytester) -> None:
    result = run(
        pytester,
        """
        def test_it(sansio_eio_network):
            net = sansio_eio_network(io)
            net.connect(transport="websocket")
            other = sansio_eio_network(type(io)(), seed=1)
            other.connect(transport="websocket", name="zoe").expect("news")
        """.replace("\n        ", "\n"),
    )
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["E *the wire of network 2 (seed 1), up to 0.000 s:", "*- the wire, up to 0.000 s -*", "*ada   -> ws    GET*"]
    )
    assert result.stdout.str().count("zoe   -> ws    GET") == 1


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
