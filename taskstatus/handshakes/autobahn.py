"""autobahn, which speaks WebSocket for Daphne, makes no text for a log that is off.

It copies 29 options from its factory to each connection and describes them, and colours names and
numbers for further lines of its debug log, whether or not that is on: a third of what it costs to
accept a WebSocket. Here the options are found in the class, as an option that a connection finds
set already is not copied, and a colour is added when it is seen.

This depends on names of autobahn's; where they are others, all stays as it is.
"""

from __future__ import annotations

import sys
from functools import partial
from typing import Any

__all__ = ["hasten"]

#: By these autobahn makes texts for its log, and for nothing else.
COLOURING = ("hltype", "hlval")


def hasten(protocol: Any) -> None:
    """Let the next WebSockets of a server be accepted so; ``protocol`` is Daphne's for one.

    Options that are changed for one connection stay that connection's.
    """
    factory: Any = getattr(protocol, "factory", None)
    made: Any = getattr(factory, "protocol", None)
    names = getattr(made, "CONFIG_ATTRS", None)
    # Another server, another factory, or done before: there is nothing to do.
    if names and type(protocol) is made and all(hasattr(factory, name) for name in names):
        options = {name: _as_it_is(getattr(factory, name)) for name in names}
        # By name it is the class that it was: others look at it.
        about = {"__module__": made.__module__, "__qualname__": made.__qualname__}
        factory.protocol = type(made.__name__, (made,), {**options, **about, "CONFIG_ATTRS": []})
        for base in made.__mro__:
            _colour_late(sys.modules[base.__module__])


def _as_it_is(option: Any) -> Any:
    """Return what makes an attribute of a class the option; a function would become a method."""
    return staticmethod(option) if callable(option) else option


def _colour_late(module: Any) -> None:
    """Replace what a module has imported for colouring, not where that comes from."""
    for name in COLOURING:
        colour = getattr(module, name, None)
        ours = isinstance(colour, partial)
        if colour is not None and not ours and colour.__module__ != module.__name__:
            setattr(module, name, partial(_Coloured, colour))


class _Coloured:
    """A text that is made when it is read."""

    __slots__ = ("_colour", "_thing")

    def __init__(self, colour: Any, thing: Any) -> None:
        self._colour = colour
        self._thing = thing

    def __str__(self) -> str:
        return str(self._colour(self._thing))
