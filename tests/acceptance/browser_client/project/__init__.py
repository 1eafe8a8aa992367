"""A project with one page: the element, under a strict Content-Security-Policy."""
