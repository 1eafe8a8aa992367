"""What the two HTTP clients share: how they ask, and what a refusal means."""

from __future__ import annotations

import httpx

from tests.harness.clients.base import End, Ended

__all__ = ["ended_by", "header_bytes", "http_client"]

REASONS = {
    204: End.TERMINAL,
    400: End.BAD_REQUEST,
    403: End.FORBIDDEN,
    404: End.UNKNOWN,
    405: End.NOT_ALLOWED,
    429: End.TOO_MANY,
    503: End.UNAVAILABLE,
}


def http_client(base_url: str, *, timeout: float = 30) -> httpx.AsyncClient:
    """Return an HTTP client that takes nothing from the machine's environment."""
    return httpx.AsyncClient(
        base_url=base_url, timeout=timeout, verify=False, trust_env=False, follow_redirects=False
    )


def header_bytes(headers: dict[str, str]) -> dict[bytes, bytes]:
    """Return headers as they go over the wire: browsers send UTF-8 in those that a page sets."""
    return {name.encode(): value.encode() for name, value in headers.items()}


def ended_by(response: httpx.Response) -> Ended:
    """Return the end that a response which is no stream stands for; its body has been read."""
    return Ended(
        reason=REASONS.get(response.status_code, End.CUT),
        code=response.status_code,
        headers=dict(response.headers),
        body=response.content,
    )
