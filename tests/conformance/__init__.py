"""The protocol, checked from outside: one set of cases on each transport and channel layer."""
