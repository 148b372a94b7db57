"""``python -m hub.cli``: the same as ``hub``, for the supervisor, which knows its interpreter and no PATH."""

from hub.cli.main import main

main()
