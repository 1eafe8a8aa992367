"""How a client is refused, on each transport."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.harness.clients import End

if TYPE_CHECKING:
    from tests.harness.clients import Client, Ended

__all__ = ["CODES", "end_of"]

CODES = {
    End.BAD_REQUEST: {"websocket": 4400, "sse": 400, "longpoll": 400},
    End.FORBIDDEN: {"websocket": 4403, "sse": 403, "longpoll": 403},
    End.UNKNOWN: {"websocket": 4404, "sse": 404, "longpoll": 404},
}


async def end_of(client: Client, reason: End) -> Ended:
    """Return the end of a client that gets nothing else, which has this reason."""
    async with client:
        ended = await client.ended()
    assert (ended.reason, ended.code) == (reason, CODES[reason][client.transport])
    return ended
