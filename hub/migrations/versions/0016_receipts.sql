-- Electronic receipts (biên lai điện tử).
SELECT 1;
