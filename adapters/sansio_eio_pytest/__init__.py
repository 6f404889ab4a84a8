"""The plugin of pytest: a fixture that makes networks, closes them, and shows the wire of a test that failed.

pytest loads this in every run, also in those that test something else, so the network itself is imported on first use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator

    from sansio_eio.engineio import Mountable
    from sansio_eio.http import Router
    from sansio_eio.testing import MakeNetwork, Network, NetworkOptions

__all__ = ["sansio_eio_network"]

_networks = pytest.StashKey["list[Network]"]()


@pytest.fixture
def sansio_eio_network(request: pytest.FixtureRequest) -> Generator[MakeNetwork]:
    """Make networks: `sansio_eio_network(app, **options)` is `sansio_eio.testing.Network(app, **options)`.

    They are closed when the test ends, which makes it fail for exceptions that its application raised and that it did
    not expect, and for handlers that do not end.
    """
    from sansio_eio.testing import Network  # noqa: PLC0415  (see above)

    __tracebackhide__ = True
    networks: list[Network] = []
    request.node.stash[_networks] = networks

    def make(app: Mountable | Router, **options: Unpack[NetworkOptions]) -> Network:
        __tracebackhide__ = True
        network = Network(app, **options)
        networks.append(network)
        if len(networks) > 1:
            network.name = f"network {len(networks)}"
        return network

    yield make
    errors: list[AssertionError] = []
    for network in networks:
        try:
            network.close()
        except AssertionError as error:
            errors.append(error)
    if errors:
        raise errors[0]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Put the transcripts into the report of a failure, without the end of one that the error shows itself."""
    report = yield
    if call.excinfo is not None and report.failed and _networks in item.stash:
        error = call.excinfo.value
        told = "\n".join([str(error), *getattr(error, "__notes__", ())])
        for network in item.stash[_networks]:
            if network.heading not in told:
                report.sections.append((network.title, str(network.transcript)))
            elif earlier := network.transcript.head():
                report.sections.append((f"{network.title}: the lines before", earlier))
    return report
