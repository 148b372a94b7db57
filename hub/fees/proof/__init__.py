"""The proof of the book: ten invariants, worked out anew every night from the rows themselves (docs/decisions/0017)."""
