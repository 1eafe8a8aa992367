"""Tasks by way of django-eventstream, on a real Redis."""
