"""The tests of the meter: when progress goes out, and what rate it tells."""
