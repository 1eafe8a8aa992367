"""What stands behind a server's ``send``."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from taskstatus.daphne import protocol_behind


def _reply(protocol: object, message: Any) -> None:
    """Take a message, as Daphne's server does."""


def test_protocol_is_behind_daphnes_send() -> None:
    """It is the first thing that is given to each call."""
    protocol = object()
    assert protocol_behind(partial(_reply, protocol)) is protocol


@pytest.mark.parametrize("send", [None, _reply, partial(_reply)])
def test_nothing_is_known_behind_another_servers(send: Any) -> None:
    """Whoever asks leaves that server alone."""
    assert protocol_behind(send) is None
