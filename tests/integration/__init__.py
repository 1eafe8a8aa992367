"""Tests with a real Redis and real workers."""
