"""What the hot paths cost: CPU time per event, side by side with other designs, in one run."""
