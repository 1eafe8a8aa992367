"""The addresses of a task's streams: made for people, and read from what people give. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import SplitResult, parse_qsl, quote, urlencode, urlsplit

__all__ = ["StreamAddress", "is_url", "stream_urls"]

_SCHEMES = {"http": "http", "https": "https", "ws": "http", "wss": "https"}
_PATH = re.compile(r"(?P<prefix>.*?)/(?:(?:poll|sse|ws)/)?task_status/(?P<quoted_id>.+?)/?\Z")
#: What we say ourselves in each request.
_OURS = {"after", "heartbeat", "token", "types", "wait"}


def is_url(text: str) -> bool:
    """Return whether this is meant as a URL, not as a task id."""
    scheme, separator, _ = text.partition("://")
    return bool(separator) and scheme.lower() in _SCHEMES


def stream_urls(base_url: str, task_id: str) -> dict[str, str]:
    """Return the URLs of a task's three streams, without a token.

    Raises ValueError when ``base_url`` is not the beginning of a URL, as http://localhost:8000.
    """
    parts = urlsplit(base_url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
        raise ValueError(f"{base_url!r} is no address of a site, as http://localhost:8000.")
    base = f"{parts.netloc}{parts.path.rstrip('/')}"
    stream = f"task_status/{quote(task_id, safe='')}/"
    return {
        "websocket": f"{parts.scheme.replace('http', 'ws')}://{base}/ws/{stream}",
        "sse": f"{parts.scheme}://{base}/sse/{stream}",
        "longpoll": f"{parts.scheme}://{base}/poll/{stream}",
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamAddress:
    """Where a task can be followed by long-poll, and with what."""

    url: str
    #: Who is asked, for messages: without a password.
    host: str
    token: str = ""
    #: The cursor to begin after.
    after: str = ""

    @classmethod
    def from_url(cls, url: str, *, token: str = "") -> StreamAddress:
        """Return the long-poll address that belongs to any URL of a task.

        The URL may be that of the task's WebSocket, its event stream or its snapshot as well. A
        token or a cursor in its query counts; ``token`` wins. Raises ValueError.
        """
        parts = urlsplit(url)
        scheme = _SCHEMES.get(parts.scheme)
        path = _PATH.match(parts.path)
        if scheme is None or not parts.hostname or path is None:
            raise ValueError(
                "This is no URL of a task, as http://localhost:8000/poll/task_status/<task id>/."
            )
        query = parse_qsl(parts.query, keep_blank_values=True)
        given = dict(query)
        others = urlencode([(key, value) for key, value in query if key not in _OURS])
        poll = f"{path['prefix']}/poll/task_status/{path['quoted_id']}/"
        return cls(
            url=SplitResult(scheme, parts.netloc, poll, others, "").geturl(),
            host=parts.netloc.rpartition("@")[2],
            token=token or given.get("token", ""),
            after=given.get("after", ""),
        )

    @property
    def cancel_url(self) -> str:
        """Where the task can be asked to stop."""
        parts = urlsplit(self.url)
        prefix, _, task = parts.path.rpartition("/poll/task_status/")
        return parts._replace(path=f"{prefix}/task_status/{task}cancel/").geturl()

    @property
    def has_password(self) -> bool:
        """Whether the URL brings its own HTTP authentication, which then needs the header."""
        return "@" in urlsplit(self.url).netloc
