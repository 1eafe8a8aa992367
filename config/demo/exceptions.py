"""
What can end the demo, each said in one clear sentence.

- DemoError: the base; its text is written for the person at the terminal.
  - ChildError: a child process would not start, or died by itself.
  - RedisUnavailableError: no Redis could be found or started.
  - StoppedError: nothing is wrong, somebody asked us to stop.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from config.demo.child import Child

__all__ = ["ChildError", "DemoError", "RedisUnavailableError", "StoppedError"]


class DemoError(Exception):
    """The demo cannot go on."""


class ChildError(DemoError):
    """A child process of the demo failed; its log says more."""

    def __init__(self, sentence: str, child: Child | None = None) -> None:
        super().__init__(sentence)
        self.child = child


class RedisUnavailableError(DemoError):
    """There is no Redis to use."""


class StoppedError(DemoError):
    """The demo was asked to stop."""
