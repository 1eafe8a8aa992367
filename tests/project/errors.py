"""What readers are told of this project's errors."""

from __future__ import annotations

__all__ = ["PublicError", "shown"]


class PublicError(Exception):
    """One whose text is meant for readers."""


def shown(exception: BaseException, task_id: str) -> str:
    """Tell what is meant for readers, and of anything else whom to ask; trip over some."""
    if exception.args and type(exception).__name__ == "KeyError":
        raise RuntimeError(f"cannot filter {exception}")
    return str(exception) if isinstance(exception, PublicError) else f"Ask for {task_id}."
