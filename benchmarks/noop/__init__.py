"""A Celery project with one small task, with taskstatus in its INSTALLED_APPS or without."""
