"""People who read our pages, and do what they say."""
