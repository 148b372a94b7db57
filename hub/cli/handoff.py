"""hub handoff: who handed what to whom and when, as bundles that a stranger can verify."""

from typing import Final

from typer import Typer

from hub.cli import handoff_bundle
from hub.cli.handoff_print import print_

app: Final = Typer(help="Handoffs (bàn giao hồ sơ): print, export, verify.", no_args_is_help=True)
app.command("print")(print_)
app.command()(handoff_bundle.export)
app.command()(handoff_bundle.verify)
