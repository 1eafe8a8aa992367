"""Daphne's WebSockets find their options in their class, where each would copy and describe them.

autobahn, which speaks WebSocket for Daphne, copies 29 options from the factory to each connection
and makes a text of them for a debug log, whether or not anybody reads it: a quarter of what it
costs to accept a WebSocket. An option that a connection finds set already is not copied.

This depends on names of autobahn's; where they are others, all stays as it is.
"""

from __future__ import annotations

from functools import partial
from typing import Any

__all__ = ["share_options"]


def share_options(send: Any) -> None:
    """Let the next WebSockets of a server share their options, where it is Daphne.

    ``send`` is the server's own ASGI ``send``. Options that are changed for one connection stay
    that connection's.
    """
    protocol = send.args[0] if isinstance(send, partial) and send.args else None
    factory: Any = getattr(protocol, "factory", None)
    made: Any = getattr(factory, "protocol", None)
    names = getattr(made, "CONFIG_ATTRS", None)
    # Another server, another factory, or done before: there is nothing to do.
    if names and type(protocol) is made and all(hasattr(factory, name) for name in names):
        options = {name: _as_it_is(getattr(factory, name)) for name in names}
        # By name it is the class that it was: others look at it.
        about = {"__module__": made.__module__, "__qualname__": made.__qualname__}
        factory.protocol = type(made.__name__, (made,), {**options, **about, "CONFIG_ATTRS": []})


def _as_it_is(option: Any) -> Any:
    """Return what makes an attribute of a class the option; a function would become a method."""
    return staticmethod(option) if callable(option) else option
