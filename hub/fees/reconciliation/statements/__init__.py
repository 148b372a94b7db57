"""Bank statements: accepted whole or quarantined whole (docs/decisions/0015)."""
