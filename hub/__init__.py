"""The hub: inbox and outbox, the domain packages, and the processes that run them."""
