"""Which bytes are the same request come again, with another cursor."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskstatus.repeat import Repeat

HEADERS = ["Host: localhost", "Cookie: a=b", "Authorization: Bearer x"]


def request(query: str, *headers: str, path: str = "/poll/task_status/x/") -> bytes:
    """Return a request as it is sent."""
    return "\r\n".join([f"GET {path}?{query} HTTP/1.1", *headers, "", ""]).encode()


def scope_of(query: str, *headers: str, path: str = "/poll/task_status/x/") -> dict[str, Any]:
    """Return a request as a server understands it."""
    return {
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": query.encode(),
        "headers": [
            (name.lower().encode(), value.encode())
            for name, value in (header.split(": ", 1) for header in headers)
        ],
    }


def repeat_of(query: str, *headers: str, after: int = 5) -> Repeat | None:
    """Return the form of a request with this query."""
    return Repeat.of(request(query, *headers), scope_of(query, *headers), after)


@pytest.mark.parametrize(
    "query", ["after={}", "token=a&after={}", "after={}&wait=1", "x&after={}&"]
)
@pytest.mark.parametrize("cursor", ["0", "5", "6", "0012", "1234567890123456"])
def test_the_same_request_comes_with_another_cursor(query: str, cursor: str) -> None:
    """Wherever it stands, and however long it is."""
    repeat = repeat_of(query.format(5), *HEADERS)
    assert repeat is not None
    assert repeat.after(request(query.format(cursor), *HEADERS)) == int(cursor)


@pytest.mark.parametrize(
    "cursor", ["", "x", "-1", "+1", "1 ", "1_0", "1.5", "12345678901234567", "٣"]
)
def test_what_is_no_cursor_is_not_the_same_request(cursor: str) -> None:
    """The server says what is wrong with it."""
    repeat = repeat_of("after=5&wait=1", *HEADERS)
    assert repeat is not None
    assert repeat.after(request(f"after={cursor}&wait=1", *HEADERS)) is None


@pytest.mark.parametrize(
    "other",
    [
        request("after=6&wait=2", *HEADERS),
        request("after=6&wait=1", *HEADERS[:2]),
        request("after=6&wait=1", *HEADERS, "X-More: 1"),
        request("after=6&wait=1", *HEADERS[:2], "Authorization: Bearer y"),
        request("after=6&wait=1", *HEADERS, path="/poll/task_status/y/"),
        request("after=6&wait=1", *HEADERS).replace(b"GET", b"HEAD"),
        request("after=6&wait=1", *HEADERS)[:-1],
        request("after=6&wait=1", *HEADERS)[1:],
        request("after=6&wait=1", *HEADERS) * 2,
        request("after=6&wait=1", *HEADERS) + b"G",
        request("after=6&after=6&wait=1", *HEADERS),
        b"",
    ],
)
def test_anything_else_is_another_request(other: bytes) -> None:
    """One byte is enough: more, less, or another one."""
    repeat = repeat_of("after=5&wait=1", *HEADERS)
    assert repeat is not None
    assert repeat.after(other) is None


def test_neither_half_may_stand_for_the_other() -> None:
    """Bytes that begin and end as they should are not the request if they overlap."""
    repeat = Repeat(b"aa", b"aa")
    assert repeat.after(b"aaa") is None
    assert repeat.after(b"aaaa") is None
    assert repeat.after(b"aa1aa") == 1


@pytest.mark.parametrize(
    ("query", "after"),
    [
        ("wait=1", 5),
        ("after=5", 6),
        ("after=5&after=5", 5),
        ("%61fter=5", 5),
        ("xafter=5", 5),
        ("after=5;wait=1", 5),
        ("after=12345678901234567", 12345678901234567),
    ],
)
def test_a_cursor_has_to_be_plain_to_see(query: str, after: int) -> None:
    """Once, by its name, in digits, and the one that was answered."""
    assert repeat_of(query, *HEADERS, after=after) is None


@pytest.mark.parametrize(
    "header",
    ["Content-Length: 0", "Transfer-Encoding: chunked", "Expect: 100-continue", "Upgrade: h2c"],
)
def test_there_must_be_nothing_behind_the_head(header: str) -> None:
    """A request with a body, or one that wants something else, is the server's affair."""
    assert repeat_of("after=5", *HEADERS, header) is None


@pytest.mark.parametrize(
    "data",
    [
        request("after=5", *HEADERS).replace(b"GET", b"HEAD"),
        request("after=5", *HEADERS).replace(b"1.1", b"1.0"),
        request("after=5", *HEADERS).replace(b"?", b"?a&"),
        request("after=5", *HEADERS)[:-2],
        request("after=5", *HEADERS) + b"x",
        request("after=5", *HEADERS) * 2,
        b"\r\n" + request("after=5", *HEADERS),
        request("after=5", *HEADERS).replace(b"\r\nCookie", b"\nCookie"),
        request("after=5", *HEADERS).replace(b"Cookie: ", b"Cookie:\r\n "),
        request("after=5", *HEADERS, "X-More: 1"),
        request("after=5", *HEADERS[:2]),
    ],
)
def test_bytes_that_a_server_may_have_read_otherwise_are_not_learnt(data: bytes) -> None:
    """They are exactly the one request that it says it has read."""
    assert Repeat.of(data, scope_of("after=5", *HEADERS), 5) is None


def test_a_root_path_is_the_server_s_own() -> None:
    """uvicorn puts it in front of the path; the client has not sent it."""
    scope = scope_of("after=5", *HEADERS)
    scope |= {"root_path": "/root", "raw_path": b"/root" + scope["raw_path"]}
    assert Repeat.of(request("after=5", *HEADERS), scope, 5) is not None


@given(st.binary(max_size=40), st.integers(0, 10**16 - 1))
def test_only_digits_may_differ(noise: bytes, cursor: int) -> None:
    """Whatever is put in the place of the cursor."""
    repeat = Repeat(b"before", b"behind")
    assert repeat.after(b"before%dbehind" % cursor) == cursor
    found = repeat.after(b"before" + noise + b"behind")
    assert (found is not None) == (noise.isdigit() and len(noise) <= 16)
