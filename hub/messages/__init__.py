"""The message core: what has come in, what has to go out, and when each is next due."""
