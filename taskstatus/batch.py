"""What a poll is answered. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from taskstatus.messages import Message

__all__ = ["JSON", "NO_STORE", "encode_batch"]

NO_STORE = (b"cache-control", b"no-store")
JSON = ((b"content-type", b"application/json"), NO_STORE)


def encode_batch(messages: Sequence[Message], *, cursor: str, ready: bool) -> bytes:
    """Return the body of a 200: the messages' own bytes, and where to go on."""
    inner = ",".join([message.json for message in messages])
    flag = "true" if ready else "false"
    return f'{{"messages":[{inner}],"cursor":"{cursor}","ready":{flag}}}'.encode()
