"""What Redis says, however it is cut: whole, once, and in order."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
import redis
from hypothesis import given
from hypothesis import strategies as st

from taskstatus.resp import Refusal, Replies, pack

if TYPE_CHECKING:
    from collections.abc import Iterator

LINES = st.text(st.characters(exclude_characters="\r\n", exclude_categories=["Cs"]), max_size=20)
#: Bodies that look like the protocol are likely ones.
BODIES = st.one_of(
    st.binary(max_size=30),
    st.lists(st.sampled_from([b"\r\n", b"$3", b"*1", b"-ERR", b"\r", b"\n", b"+"])).map(b"".join),
)


class Encoded:
    """A reply, and how Redis writes it."""

    def __init__(self, wire: bytes, reply: Any) -> None:
        self.wire = wire
        self.reply = reply

    def __repr__(self) -> str:
        return f"{self.wire!r}"


def bulk(body: bytes) -> Encoded:
    """Return a bulk string."""
    return Encoded(b"$%d\r\n%b\r\n" % (len(body), body), body)


def array(kind: bytes, items: list[Encoded]) -> Encoded:
    """Return an array, or a push as RESP3 has it."""
    wire = b"%b%d\r\n%b" % (kind, len(items), b"".join(item.wire for item in items))
    return Encoded(wire, [item.reply for item in items])


SINGLE = st.one_of(
    BODIES.map(bulk),
    st.integers(-(2**63), 2**63 - 1).map(lambda n: Encoded(b":%d\r\n" % n, n)),
    LINES.map(lambda line: Encoded(b"+%b\r\n" % line.encode(), line.encode())),
    LINES.map(lambda line: Encoded(b"-%b\r\n" % line.encode(), Refusal(line))),
    st.just(Encoded(b"$-1\r\n", None)),
)
REPLIES = st.recursive(
    SINGLE,
    lambda items: st.builds(array, st.sampled_from([b"*", b">"]), st.lists(items, max_size=4)),
    max_leaves=8,
)


def plain(reply: Any) -> Any:
    """Return a reply that can be compared: exceptions are equal to nothing but themselves."""
    if isinstance(reply, list):
        return [plain(item) for item in reply]
    return ("refused", str(reply)) if isinstance(reply, Refusal) else reply


def pieces(data: bytes, cuts: list[int]) -> Iterator[bytes]:
    """Yield the data in pieces, some of them empty perhaps."""
    bounds = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    for start, stop in pairwise(bounds):
        yield data[start:stop]


@given(st.lists(REPLIES, max_size=6), st.lists(st.integers(0), max_size=10))
def test_replies_come_out_whole_once_and_in_order(said: list[Encoded], cuts: list[int]) -> None:
    """Wherever the network cuts them."""
    replies, heard = Replies(), []
    for piece in pieces(b"".join(one.wire for one in said), cuts):
        replies.feed(piece)
        heard += [plain(reply) for reply in replies]
    assert heard == [plain(one.reply) for one in said]


@given(st.lists(REPLIES, max_size=6))
def test_replies_come_out_whole_byte_by_byte(said: list[Encoded]) -> None:
    """No place to cut is a bad one, and none comes before its last byte is there."""
    replies = Replies()
    heard: list[Any] = []
    due: list[Any] = []
    for one in said:
        for byte in one.wire:
            assert heard == due
            replies.feed(bytes([byte]))
            heard += [plain(reply) for reply in replies]
        due.append(plain(one.reply))
    assert heard == due


@given(st.lists(REPLIES, max_size=6), st.lists(st.integers(0), max_size=5), st.data())
def test_who_stops_in_between_loses_nothing(
    said: list[Encoded], cuts: list[int], data: st.DataObject
) -> None:
    """One at a time, now and then, with more that comes meanwhile: the same replies."""
    replies, heard = Replies(), []
    for piece in pieces(b"".join(one.wire for one in said), cuts):
        replies.feed(piece)
        for _ in range(data.draw(st.integers(0, 2))):
            for reply in replies:
                heard.append(plain(reply))
                break
    heard += [plain(reply) for reply in replies]
    assert heard == [plain(one.reply) for one in said]


@pytest.mark.parametrize("kind", [b"*", b">"], ids=["RESP2", "RESP3"])
def test_what_a_subscriber_is_told(kind: bytes) -> None:
    """Byte by byte as Redis sends it in either version, a PING's answer among it."""
    replies = Replies()
    replies.feed(
        b"%b3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n" % kind
        + b"+PONG\r\n"
        + b"%b3\r\n$7\r\nmessage\r\n$1\r\na\r\n$4\r\n\r\n\x00\xff\r\n" % kind
        + b"%b3\r\n$11\r\nunsubscribe\r\n$-1\r\n:0\r\n" % kind
        + b"*2\r\n$4\r\npong\r\n$0\r\n\r\n"
    )
    assert list(replies) == [
        [b"subscribe", b"a", 1],
        b"PONG",
        [b"message", b"a", b"\r\n\x00\xff"],
        [b"unsubscribe", None, 0],
        [b"pong", b""],
    ]


def test_refusal_is_returned_and_not_raised() -> None:
    """What comes after it is read as well."""
    replies = Replies()
    replies.feed(b"-NOPERM no\xff\r\n:1\r\n")
    refusal, number = replies
    assert isinstance(refusal, Refusal)
    assert str(refusal) == "NOPERM no\N{REPLACEMENT CHARACTER}"
    assert number == 1


@given(
    st.lists(
        st.one_of(st.text(st.characters(exclude_categories=["Cs"])), st.binary()),
        min_size=1,
        max_size=5,
    )
)
def test_commands_are_packed_as_redis_py_packs_them(words: list[str | bytes]) -> None:
    """Whatever is in them."""
    packer: Any = redis.Connection()  # type: ignore[no-untyped-call]
    # It splits a first word that has blanks in it, as "CLIENT KILL" has.
    command = ["PING", *words]
    assert pack(*command) == b"".join(packer.pack_command(*command))
