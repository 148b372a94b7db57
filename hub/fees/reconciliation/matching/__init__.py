"""What belongs together: demand, notification and statement line of the same money, and by which evidence."""
