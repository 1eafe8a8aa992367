"""Markdown tables of figures. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence

__all__ = ["TITLES", "figure", "table"]

#: What a subject is called in the report.
TITLES = {
    "tutorial": "tutorial, Daphne, WebSocket",
    "daphne-ws": "**taskstatus**, Daphne, WebSocket",
    "daphne-sse": "**taskstatus**, Daphne, SSE",
    "daphne-poll": "**taskstatus**, Daphne, long-poll",
    "uvicorn-ws": "**taskstatus**, uvicorn, WebSocket",
    "uvicorn-sse": "**taskstatus**, uvicorn, SSE",
    "uvicorn-poll": "**taskstatus**, uvicorn, long-poll",
    "socketio": "Socket.IO, Node, WebSocket",
    "nchan-ws": "Nchan, nginx, WebSocket",
    "nchan-sse": "Nchan, nginx, SSE",
    "nchan-poll": "Nchan, nginx, long-poll",
}


def figure(value: float | str | None) -> str:
    """Return a value with three figures that count; nothing for none."""
    if value is None or value == "" or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, int) or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.2f}" if abs(value) < 10 else f"{value:.1f}"


def table(heads: Sequence[str], rows: Sequence[Sequence[float | str | None]]) -> str:
    """Return a table; the first column is text, the others are figures."""
    lines = [
        f"| {' | '.join(heads)} |",
        f"| --- |{' ---: |' * (len(heads) - 1)}",
        *(f"| {' | '.join(figure(value) for value in row)} |" for row in rows),
    ]
    return "\n".join(lines)
