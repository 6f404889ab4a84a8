"""Fixtures."""

from collections.abc import Callable

import pytest

from tests.unit.asyncio_adapter.loops import Main, run_asyncio, run_uvloop


@pytest.fixture(params=[run_asyncio, run_uvloop], ids=["asyncio", "uvloop"])
def run(request: pytest.FixtureRequest) -> Callable[[Main], None]:
    """Runs a test on each of the loops."""
    runner: Callable[[Main], None] = request.param
    return runner
