"""The browser client in real Chromium: a page of a project that is not ours, and faults between."""
