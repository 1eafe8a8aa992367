"""Several tasks over one connection."""
