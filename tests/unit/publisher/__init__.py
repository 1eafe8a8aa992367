"""How changes get to the store, and what happens when it is slow or away."""
