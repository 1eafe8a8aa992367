"""The tests, in tiers: unit, integration, conformance and acceptance."""
