"""Which opening handshakes are read at one go, and that nothing else is made of them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.http11 import Request
from websockets.server import ServerProtocol

from taskstatus.handshakes.opening import read_opening
from tests.unit.handshakes.handshake import FROM_A_BROWSER, PLAIN, handshake


def test_request_is_told_as_it_came() -> None:
    """The path with its percent signs, names in lower case, values without space around."""
    opening = read_opening(handshake(b"X-One:  1 2\t", target=b"/a/ws/task_status/x%2Fy/?a=%20&b"))
    assert opening is not None
    assert (opening.path, opening.query) == (b"/a/ws/task_status/x%2Fy/", b"a=%20&b")
    assert list(opening.headers) == [
        b"host",
        b"upgrade",
        b"connection",
        b"sec-websocket-version",
        b"sec-websocket-key",
        b"x-one",
    ]
    assert opening.headers[b"x-one"] == b"1 2"


@pytest.mark.parametrize(
    "data",
    [
        PLAIN,
        FROM_A_BROWSER,
        handshake(target=b"/ws/task_status/"),
        handshake(target=b"/ws/task_status/?"),
        handshake(target=b"/behind/a.proxy/ws/task_status/7/"),
        handshake(target=b"/ws/task_status" * 300 + b"/"),
        handshake(host=b"[::1]:8000"),
        handshake(host=b"localhost"),
        handshake(upgrade=b"WebSocket", connection=b"upgrade"),
        handshake(b"Origin: null"),
        handshake(b"Origin: https://[2001:db8::1]"),
        handshake(b"Sec-WebSocket-Extensions: permessage-deflate"),
        handshake(b"X-Empty:"),
    ],
)
def test_ordinary_handshake_is_read(data: bytes) -> None:
    """Those that browsers and libraries send."""
    assert read_opening(data) is not None


@pytest.mark.parametrize(
    "data",
    [
        b"",
        PLAIN[:-1],
        PLAIN + b"\x81",
        PLAIN + PLAIN,
        PLAIN.replace(b"\r\n", b"\n"),
        handshake(target=b"/ws/other/7/"),
        handshake(target=b"/ws/task_status"),
        handshake(target=b"//example.com/ws/task_status/7/"),
        handshake(target=b"http://example.com/ws/task_status/7/"),
        handshake(target=b"/ws/task_status/7/#part"),
        handshake(target=b"/ws/task_status/7;a=b/"),
        handshake(target=b"/ws/task_status/7/?#part"),
        handshake(target=b"/ws/task_status/\xc3\xbc/"),
        handshake(target=b"/ws/task_status/7 /"),
        handshake(line=b"POST %b HTTP/1.1"),
        handshake(line=b"get %b HTTP/1.1"),
        handshake(line=b"GET %b HTTP/1.0"),
        handshake(line=b"GET  %b HTTP/1.1"),
        handshake(host=None),
        handshake(host=b""),
        handshake(host=b"a b"),
        handshake(host=b"example.com:x"),
        handshake(upgrade=None),
        handshake(upgrade=b"h2c"),
        handshake(upgrade=b"websocket, h2c"),
        handshake(connection=None),
        handshake(connection=b"close"),
        handshake(connection=b"close, Upgrade"),
        handshake(sec_websocket_version=None),
        handshake(sec_websocket_version=b"8"),
        handshake(sec_websocket_key=None),
        handshake(sec_websocket_key=b"short=="),
        handshake(sec_websocket_key=b"dGhlIHNhbXBsZSBub25jZQ=a"),
        handshake(sec_websocket_key=b"dGhlIHNhbXBsZSBub25jZ-=="),
        handshake(b"Origin: file://"),
        handshake(b"Origin: https://a:b"),
        handshake(b"Sec-WebSocket-Protocol: one"),
        handshake(b"Sec-WebSocket-Extensions: permessage-deflate; a=b"),
        handshake(b"Content-Length: 0"),
        handshake(b"Transfer-Encoding: chunked"),
        handshake(b"Expect: 100-continue"),
        handshake(b"Daphne-Root-Path: /a"),
        handshake(b"Host: example.com:8000"),
        handshake(b"X-One: 1", b"x-one: 2"),
        handshake(b"X-One: 1", b" 2"),
        handshake(b"X_One: 1"),
        handshake(b"X-One : 1"),
        handshake(b": 1"),
        handshake(b"X-One"),
        handshake(b"X-One: \xff"),
        handshake(b"X-One: \x00"),
        handshake(b"X-One: 1\rX-Two: 2"),
        handshake(b"X-One: " + b"1" * 8_000),
        handshake(*(b"X-%d: 1" % number for number in range(60))),
    ],
)
def test_any_other_is_left_to_the_server(data: bytes) -> None:
    """Whether it is valid or not: what is to be said about it is the server's."""
    assert read_opening(data) is None


#: What may stand anywhere in a request, and change what it says.
_BITS = st.one_of(
    st.sampled_from([bytes((code,)) for code in b" \t\r\n:,/?#%;_=A0\x00\xff"]),
    st.sampled_from([b"\r\n", b"\r\nHost: a", b"\r\n ", b"Upgrade", b"websocket"]),
)


@st.composite
def handshakes(draw: st.DrawFn) -> bytes:
    """Return a handshake that was changed in up to three places."""
    data = draw(st.sampled_from([PLAIN, FROM_A_BROWSER]))
    for _ in range(draw(st.integers(0, 3))):
        start = draw(st.integers(0, len(data)))
        end = start + draw(st.integers(0, 2))
        data = data[:start] + draw(st.one_of(_BITS, st.just(b""))) + data[end:]
    return data


@given(handshakes())
def test_nothing_is_read_that_websockets_would_refuse_or_read_otherwise(data: bytes) -> None:
    """It is the stricter of the two."""
    opening = read_opening(data)
    if opening is None:
        return
    server = ServerProtocol()
    server.receive_data(data)
    [request] = server.events_received()
    assert isinstance(request, Request)
    assert server.accept(request).status_code == 101
    query = b"?" + opening.query if opening.query else b""
    assert request.path.removesuffix("?").encode() == opening.path + query
    assert [
        (name.lower().encode(), value.encode()) for name, value in request.headers.raw_items()
    ] == list(opening.headers.items())
