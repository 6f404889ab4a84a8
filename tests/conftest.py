"""Settings of every test run."""

import os
import signal

import pytest
from hypothesis import settings

CI = os.environ.get("CI") == "true"

# A deadline per example measures the machine, not the code. CI draws the same examples every time, so that a commit is
# judged by what it changes; everybody else searches on.
settings.register_profile("default", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("ci" if CI else "default")

# A shell that starts this in the background has it ignore Ctrl-C, which some tests send.
signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """In CI a skipped test is a failure: what a machine lacks is to be installed, not passed over."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if CI and reporter is not None and reporter.stats.get("skipped"):
        reporter.write_line("CI skips nothing: a skipped test is a failure here", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
