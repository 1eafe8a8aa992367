"""How many connections one client may have open to this process."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from taskstatus import limits
from taskstatus.access import Caller
from taskstatus.exceptions import TooManyConnections
from taskstatus.limits import Counted

if TYPE_CHECKING:
    from pytest_django.fixtures import Settings


def caller(address: str) -> Caller:
    """Return somebody from an address."""
    return Caller({"client": (address, 5)})


def test_client_may_have_so_many_and_no_more(settings: Settings) -> None:
    """The next one is refused, and does not count; others are not affected."""
    settings.TASKSTATUS_MAX_CONNECTIONS_PER_CLIENT = 2
    with Counted(caller("one")), Counted(caller("one")):
        for _ in range(3):
            with pytest.raises(TooManyConnections), Counted(caller("one")):
                pass
        with Counted(caller("two")):
            pass


def test_closed_connection_makes_room(settings: Settings) -> None:
    """However it ends, it no longer counts, and nothing of it is kept."""
    settings.TASKSTATUS_MAX_CONNECTIONS_PER_CLIENT = 1
    for _ in range(3):
        with pytest.raises(RuntimeError), Counted(caller("one")):
            raise RuntimeError
    with Counted(caller("one")):
        assert limits._open[("address", "one")] == 1
    assert ("address", "one") not in limits._open


async def test_client_counts_as_what_it_was_when_it_came(settings: Settings) -> None:
    """A user who becomes known meanwhile is not counted down in place of the address."""
    settings.TASKSTATUS_MAX_CONNECTIONS_PER_CLIENT = 1
    known = caller("one")
    with Counted(known):
        known.token = "abc"
    assert not limits._open
