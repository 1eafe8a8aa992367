"""The project's settings, and what is read from the environment for them."""
