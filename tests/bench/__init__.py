"""What the hub costs, as ratios to a bare baseline in the same run: ``python -m tests.bench``."""
