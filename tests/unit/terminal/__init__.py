"""What ``manage.py task`` is made of."""
