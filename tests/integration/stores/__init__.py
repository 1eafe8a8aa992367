"""What a store promises, checked on each store there is."""
