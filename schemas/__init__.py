"""What is said: the words that cross our walls, as frozen models that check themselves."""
