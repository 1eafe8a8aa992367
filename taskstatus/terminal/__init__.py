"""Tasks on the command line: what ``manage.py task`` does, apart from reading its arguments."""
