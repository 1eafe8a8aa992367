"""Our views in a project that serves each request in a transaction (``ATOMIC_REQUESTS``)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from django.db import connections, transaction

__all__ = ["without_transactions"]

View = TypeVar("View", bound=Callable[..., Any])


def without_transactions(view: View) -> View:
    """Serve a view outside of every database's transaction.

    Ours change nothing that could be rolled back, and Django refuses async views in one.
    """
    for alias in connections:
        view = transaction.non_atomic_requests(using=alias)(view)
    return view
