"""The pure parts of the demo, and what starts processes."""
