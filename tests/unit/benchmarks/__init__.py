"""The benchmarks' own parts: what they parse, count and foretell must be right."""
