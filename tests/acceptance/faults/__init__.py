"""Faults that are injected into real processes, and what every client must see all the same."""
