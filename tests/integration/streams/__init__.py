"""From a change to a reader, in one process: groups, hub and feed on each channel layer."""
