-- Days and months that are closed, and what departments are handed.
SELECT 1;
