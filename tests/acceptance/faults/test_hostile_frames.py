"""WebSocket frames that no client library would send (RFC 6455), to both servers."""

from __future__ import annotations

import asyncio
import os
import struct
from typing import TYPE_CHECKING

import pytest

from tests.acceptance.faults.raw_websocket import CUT, SERVED, RawWebSocket
from tests.harness.servers import start_daphne, start_uvicorn
from tests.harness.site import Site
from tests.harness.steps import pending, progress, started

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.harness.environment import Environment, Layer
    from tests.harness.processes import Processes

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA
BAD_REQUEST, PROTOCOL_ERROR, INVALID_TEXT, TOO_BIG = 4400, 1002, 1007, 1009


def frame(
    opcode: int,
    payload: bytes = b"",
    *,
    fin: bool = True,
    reserved: int = 0,
    masked: bool = True,
    length: int | None = None,
) -> bytes:
    """Return a client's frame (RFC 6455 §5.2), which may say another length than it has."""
    length = len(payload) if length is None else length
    first, mask = fin << 7 | reserved << 4 | opcode, masked << 7
    if length < 126:
        head = struct.pack("!BB", first, mask | length)
    elif length < 65_536:
        head = struct.pack("!BBH", first, mask | 126, length)
    else:
        head = struct.pack("!BBQ", first, mask | 127, length)
    if not masked:
        return head + payload
    key = os.urandom(4)
    long_key = key * (len(payload) // 4 + 1)
    body = int.from_bytes(payload) ^ int.from_bytes(long_key[: len(payload)])
    return head + key + body.to_bytes(len(payload))


def pieces(*payloads: bytes) -> bytes:
    """Return one text in so many frames."""
    last = len(payloads) - 1
    return b"".join(
        frame(CONTINUATION if number else TEXT, payload, fin=number == last)
        for number, payload in enumerate(payloads)
    )


def code(number: int) -> bytes:
    """Return the payload of a close."""
    return struct.pack("!H", number)


VECTORS: dict[str, tuple[bytes, set[int]]] = {
    "a small JSON text": (frame(TEXT, b"{}"), {SERVED}),
    "one of 4 KiB": (frame(TEXT, b'"' + b"a" * 4_094 + b'"'), {SERVED}),
    "one in pieces, a ping between": (
        frame(TEXT, b'{"a"', fin=False) + frame(PING, b"?") + frame(CONTINUATION, b":1}"),
        {SERVED},
    ),
    "a character in two pieces": (pieces(b'"\xc3', b'\xa9"'), {SERVED}),
    "a thousand pieces": (pieces(b'"', *[b"a"] * 1_000, b'"'), {SERVED}),
    "a ping": (frame(PING, b"x" * 125), {SERVED}),
    "5,000 pings": (frame(PING, b"x" * 100) * 5_000, {SERVED}),
    "5,000 pongs": (frame(PONG, b"x" * 100) * 5_000, {SERVED}),
    "a text over 4 KiB": (frame(TEXT, b'"' + b"a" * 4_095 + b'"'), {BAD_REQUEST}),
    "one of 100,000 bytes": (frame(TEXT, b'"' + b"a" * 100_000 + b'"'), {BAD_REQUEST}),
    "one over 4 KiB in pieces": (pieces(b'"', *[b"a" * 9] * 1_000, b'"'), {BAD_REQUEST}),
    "no JSON": (frame(TEXT, b"hello"), {BAD_REQUEST}),
    "nearly JSON": (frame(TEXT, b"NaN"), {BAD_REQUEST}),
    "a deep nest": (frame(TEXT, b"[" * 2_000 + b"]" * 2_000), {BAD_REQUEST}),
    "an empty text": (frame(TEXT), {BAD_REQUEST}),
    "bytes": (frame(BINARY, b"\x00\x01"), {BAD_REQUEST}),
    "no bytes": (frame(BINARY), {BAD_REQUEST}),
    "no UTF-8": (frame(TEXT, b"\xff\xfe"), {INVALID_TEXT}),
    "half a surrogate pair": (frame(TEXT, b"\xed\xa0\x80"), {INVALID_TEXT}),
    "no UTF-8 in pieces": (pieces(b'"\xc3', b'\x28"'), {INVALID_TEXT}),
    "a continuation of nothing": (frame(CONTINUATION, b"x"), {PROTOCOL_ERROR}),
    "a text within a text": (
        frame(TEXT, b"{", fin=False) + frame(TEXT, b"}"), {PROTOCOL_ERROR},
    ),
    "a ping over 125 bytes": (frame(PING, b"x" * 126), {PROTOCOL_ERROR}),
    "a ping in pieces": (frame(PING, b"x", fin=False), {PROTOCOL_ERROR}),
    **{
        f"reserved bit {bit}": (frame(TEXT, b"{}", reserved=bit), {PROTOCOL_ERROR})
        for bit in (1, 2, 4)
    },
    **{
        f"opcode {number}": (frame(number, b"x"), {PROTOCOL_ERROR})
        for number in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15)
    },
    "no mask": (frame(TEXT, b"{}", masked=False), {PROTOCOL_ERROR}),
    "a frame of a tebibyte": (frame(TEXT, b"x", length=1 << 40), {TOO_BIG}),
    "a frame of 2^63 bytes": (frame(TEXT, b"x", length=1 << 63), {TOO_BIG, PROTOCOL_ERROR}),
    "20 MB": (frame(TEXT, b'"' + b"a" * 20_000_000 + b'"'), {TOO_BIG, BAD_REQUEST}),
    "20 MB in pieces": (pieces(*[b"a" * 100_000] * 200), {TOO_BIG, BAD_REQUEST}),
    "a close": (frame(CLOSE, code(1000)), {1000}),
    "a close without a code": (frame(CLOSE), {1000, 1005}),
    "a close with a code of its own": (frame(CLOSE, code(4000) + b"bye"), {1000, 4000}),
    "half a close code": (frame(CLOSE, b"\x03"), {PROTOCOL_ERROR, CUT}),
    "a close code that may not be sent": (frame(CLOSE, code(1005)), {PROTOCOL_ERROR, CUT}),
    "a close code that is none": (frame(CLOSE, code(999)), {PROTOCOL_ERROR, CUT}),
    "a close reason that is no UTF-8": (
        frame(CLOSE, code(1000) + b"\xff"), {INVALID_TEXT, PROTOCOL_ERROR, CUT},
    ),
    "texts after the close": (frame(CLOSE, code(1000)) + frame(TEXT, b"x") * 3, {1000}),
    "HTTP": (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", {PROTOCOL_ERROR}),
}  # fmt: skip


@pytest.fixture(scope="module", params=[start_daphne, start_uvicorn], ids=["daphne", "uvicorn"])
def attacked(
    request: pytest.FixtureRequest,
    processes: Processes,
    environment_of: Callable[[Layer], Environment],
) -> Site:
    """Return a site of one server."""
    server = request.param(processes, environment_of("pubsub"), name="attacked")
    # uvicorn itself logs one for each text that is no UTF-8.
    server.process.tracebacks_expected = request.param is start_uvicorn
    return Site(layer="pubsub", servers=(server,))


async def outcome(attacker: RawWebSocket, data: bytes, expected: set[int]) -> int:
    """Return the close code; of a connection that is served, whether news reach it."""
    sending = asyncio.create_task(attacker.send(data))
    code = await attacker.read(until=b'"PROGRESS"' if SERVED in expected else b"")
    sending.cancel()
    attacker.writer.transport.abort()
    return code


async def test_frames_that_break_the_rules_are_refused_by_name(attacked: Site) -> None:
    """A close code for each that is wrong; whoever keeps to the rules gets the next message."""
    server = attacked.server(0)
    task = await attacked.task(pending(), started())
    target = f"/ws/task_status/{task.id}/?token={task.token}"
    async with asyncio.timeout(30):
        attackers = [await RawWebSocket.connect(server.url, target) for _ in VECTORS]
        running = [
            asyncio.create_task(outcome(attacker, *vector))
            for attacker, vector in zip(attackers, VECTORS.values(), strict=True)
        ]
        wrong = [
            task
            for task, (_, expected) in zip(running, VECTORS.values(), strict=True)
            if SERVED not in expected
        ]
        await asyncio.gather(*wrong)
        await task.play(progress(1, 2))
        codes = await asyncio.gather(*running)
    refused = {
        name: code
        for (name, (_, expected)), code in zip(VECTORS.items(), codes, strict=True)
        if code not in expected
    }
    assert not refused
    assert server.process.child.returncode is None
    # Not a word of ours in the log: whose client misbehaves has nothing to mend.
    assert "taskstatus" not in "".join(
        line for line in server.process.log.splitlines() if " ERROR " in line
    )
