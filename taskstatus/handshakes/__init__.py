"""How a server accepts our WebSockets, once it has accepted the first: with less ado.

What is sent and what the application sees stay the same. A handshake that is in any way out of the
ordinary takes the server's own way, as do all on a server that is not known here.
"""

from __future__ import annotations

from typing import Any

from taskstatus.daphne import protocol_behind
from taskstatus.handshakes import autobahn, daphne, uvicorn

__all__ = ["hasten_handshakes"]


def hasten_handshakes(send: Any) -> None:
    """Let the server behind ``send``, which is its own, accept its next WebSockets so."""
    protocol = protocol_behind(send)
    if protocol is None:
        uvicorn.hasten(getattr(send, "__self__", None))
    else:
        autobahn.hasten(protocol)
        daphne.hasten(protocol)
