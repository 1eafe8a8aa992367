"""The three clients read the same stream, and tell alike how it ended."""

from __future__ import annotations

import pytest

from tests.harness.clients import TRANSPORTS, End, StreamEnded
from tests.harness.clients.base import encode_id
from tests.unit.harness.scripted_app import MESSAGES, serving

pytestmark = pytest.mark.parametrize("transport", list(TRANSPORTS))


async def test_a_client_reads_to_the_end(transport: str) -> None:
    """collect returns every message, with the bytes that were sent."""
    async with serving() as url, TRANSPORTS[transport](url, "t") as client:
        messages = await client.collect()
        assert [message.raw.decode() for message in messages] == MESSAGES
        assert client.states == ["STARTED", "SUCCESS"]
        assert client.end is not None
        assert client.end.reason is End.TERMINAL


async def test_a_client_resumes_after_a_cursor(transport: str) -> None:
    """resume makes a client that starts after the newest message."""
    async with serving() as url, TRANSPORTS[transport](url, "t") as client:
        first = await client.next()
        async with client.resume(first.cursor) as second:
            assert [message.version for message in await second.collect()] == [2]


async def test_a_refusal_is_an_end(transport: str) -> None:
    """Opening a stream that is refused does not raise; reading tells the reason."""
    async with serving() as url, TRANSPORTS[transport](url, "other") as client:
        with pytest.raises(StreamEnded, match="UNKNOWN"):
            await client.next()
        assert (await client.ended()).reason is End.UNKNOWN


@pytest.mark.parametrize(
    ("task_id", "encoded"),
    [("a b/ü", "a%20b%2F%C3%BC"), ("..", "%2E%2E"), ("x\n", "x%0A"), ("a.b-c_d~", "a.b-c_d~")],
)
def test_ids_are_one_segment_of_the_path(task_id: str, encoded: str, transport: str) -> None:
    """Whatever the id holds, the path keeps its shape."""
    assert encode_id(task_id) == encoded
    assert TRANSPORTS[transport]("http://x", task_id).path.endswith(f"/task_status/{encoded}/")
