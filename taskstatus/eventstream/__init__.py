"""The one door to django-eventstream: its SSE encoder, and our streams for its own clients.

``codec`` is what our own SSE consumer uses. ``channels``, ``storage`` and ``views`` are for a site
that serves task streams from django-eventstream's view (docs/eventstream.md); nothing else imports
them.
"""

from taskstatus.eventstream.codec import (
    HEARTBEAT,
    KEEPALIVE,
    encode,
    encode_at,
    encode_problem,
    opening,
)

__all__ = ["HEARTBEAT", "KEEPALIVE", "encode", "encode_at", "encode_problem", "opening"]
