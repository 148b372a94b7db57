-- Days, months and what departments are handed.
SELECT 1;
