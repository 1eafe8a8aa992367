"""How a server accepts our WebSockets, once it has accepted the first: with less ado.

What is sent and what the application sees stay the same. A handshake that is in any way out of the
ordinary takes the server's own way, as do all on a server that is not known here.
"""

from __future__ import annotations

from typing import Any

from taskstatus.handshakes import autobahn, daphne, uvicorn
from taskstatus.wire import owner_of

__all__ = ["hasten_handshakes"]


def hasten_handshakes(send: Any) -> None:
    """Let the server behind ``send``, which is its own, accept its next WebSockets so."""
    protocol = owner_of(send)
    # Each leaves alone what is not its own.
    for server in (autobahn, daphne, uvicorn):
        server.hasten(protocol)
