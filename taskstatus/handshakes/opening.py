"""The opening handshake of a WebSocket, where it is as plain as nearly all of them are."""

from __future__ import annotations

import re
from typing import NamedTuple

__all__ = ["Opening", "read_opening"]

#: The whole of a request: visible ASCII, no line folded, and a path that no parser of URLs takes
#: for anything else. What has matched is not tried again in another way: it takes one pass.
_REQUEST = re.compile(
    rb"GET (/(?!/)[A-Za-z0-9._~%:@!$&'()*+,=/-]*+)(?:\?([!\"$-~]*+))?+ HTTP/1\.1\r\n"
    rb"((?:[A-Za-z0-9-]++:[\t -~]*+\r\n)++)\r\n"
)
#: Who does not ask for us goes the server's own way.
_OURS = b"/ws/task_status/"
#: More is for the server to refuse.
_MOST_BYTES = 8_000
_MOST_HEADERS = 64

_HOST = rb"(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])"
_NOTHING = rb"(?!)"
#: What a header must say, if it is there (RFC 6455 §4.2.1).
_FORMS = {
    b"host": _HOST + rb"(?::[0-9]{1,5})?",
    b"upgrade": rb"(?i:websocket)",
    b"connection": rb"(?i:(?:keep-alive, ?)?upgrade)",
    b"sec-websocket-version": rb"13",
    b"sec-websocket-key": rb"[A-Za-z0-9+/]{22}==",
    b"sec-websocket-extensions": rb"permessage-deflate(?:; ?client_max_window_bits)?",
    b"origin": rb"null|https?://" + _HOST + rb"(?::[1-5]?[0-9]{1,4})?",
    # With one of these there is more to it.
    b"content-length": _NOTHING,
    b"daphne-root-path": _NOTHING,
    b"expect": _NOTHING,
    b"sec-websocket-protocol": _NOTHING,
    b"transfer-encoding": _NOTHING,
}
_MATCHES = {name: re.compile(form).fullmatch for name, form in _FORMS.items()}
_REQUIRED = frozenset(
    (b"host", b"upgrade", b"connection", b"sec-websocket-version", b"sec-websocket-key")
)


class Opening(NamedTuple):
    """A request for a WebSocket, valid by RFC 6455 §4.2.1, that offers no subprotocol."""

    #: As it came: with its percent signs.
    path: bytes
    query: bytes
    #: By name in lower case, in their order; none came twice.
    headers: dict[bytes, bytes]


def read_opening(data: bytes) -> Opening | None:
    """Return the opening handshake that is the whole of ``data``, None where it is another thing.

    What servers differ about, what any of them refuses, and what is not for a stream of ours, is
    another thing: it is the server's.
    """
    request = _REQUEST.fullmatch(data) if len(data) <= _MOST_BYTES else None
    if request is None or _OURS not in request[1]:
        return None
    lines = request[3].split(b"\r\n")
    lines.pop()
    headers = {}
    for line in lines:
        name, _, value = line.partition(b":")
        name, value = name.lower(), value.strip(b" \t")
        match = _MATCHES.get(name)
        if match is not None and match(value) is None:
            return None
        headers[name] = value
    if not len(lines) == len(headers) <= _MOST_HEADERS or not headers.keys() >= _REQUIRED:
        return None
    return Opening(request[1], request[2] or b"", headers)
