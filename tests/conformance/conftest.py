"""One set of cases, run on each transport and on each channel layer."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import pytest

from tests.harness.clients import TRANSPORTS

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.harness.environment import Layer
    from tests.harness.processes import Processes
    from tests.harness.site import Site


@pytest.fixture(params=["pubsub", "core", "memory"])
def layer(request: pytest.FixtureRequest) -> Layer:
    """Return the name of a channel layer, each in turn."""
    return cast("Layer", request.param)


@pytest.fixture(params=list(TRANSPORTS))
def transport(request: pytest.FixtureRequest) -> str:
    """Return the name of a transport, each in turn."""
    return str(request.param)


@pytest.fixture
def site(layer: Layer, site_on: Callable[[Layer], Site], processes: Processes) -> Site:
    """Return the running site on this channel layer."""
    return site_on(layer)


@pytest.fixture(params=["pubsub", "core"])
def redis_site(
    request: pytest.FixtureRequest, site_on: Callable[[Layer], Site], processes: Processes
) -> Site:
    """Return the running site on each channel layer that goes through Redis."""
    return site_on(request.param)
