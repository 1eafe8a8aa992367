"""The demo: a CSV is read by a Celery task, and watched over three transports."""
