-- Consignments, what the operator says of them, and complaints.
SELECT 1;
