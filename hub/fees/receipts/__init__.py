"""Electronic receipts (biên lai điện tử): issued when a demand is paid, void when it is not paid any more."""
