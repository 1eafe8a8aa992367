"""The design of the well-known tutorial, as a project of its own: the baseline.

Each client is a member of the task's group on the core Redis layer; on connect it asks Celery's
result backend; the worker tells the group through ``async_to_sync``.
"""
