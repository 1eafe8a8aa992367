"""``manage.py task``, in one process."""
