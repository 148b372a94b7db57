"""What happens: the message core, the rooms of the domain, and the processes that run them."""
