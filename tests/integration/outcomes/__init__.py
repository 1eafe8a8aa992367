"""Each way in which a Celery task can end, in a real worker, as every transport tells it."""
