"""A project that serves task streams from django-eventstream's own view, beside its own events."""
