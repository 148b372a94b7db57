"""Electronic receipts (biên lai điện tử): issued when a demand is paid, voided when its payment is gone."""
