"""What stands behind Daphne's ASGI ``send``."""

from __future__ import annotations

from functools import partial
from typing import Any

__all__ = ["protocol_behind"]


def protocol_behind(send: Any) -> Any:
    """Return the protocol object of Daphne's connection, None behind another server's ``send``.

    ``send`` is the server's own, not one that wraps it: Daphne's is a partial whose first argument
    is that object.
    """
    return send.args[0] if isinstance(send, partial) and send.args else None
