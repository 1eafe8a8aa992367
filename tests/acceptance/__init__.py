"""The whole thing, as a user has it."""
