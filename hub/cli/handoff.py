"""hub handoff: who handed what to whom and when, as bundles that a stranger can verify."""

from typing import Final

from typer import Typer

app: Final = Typer(help="Handoffs (bàn giao hồ sơ): export, verify.", no_args_is_help=True)
