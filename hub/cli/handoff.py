"""hub handoff: who handed what to whom and when, as bundles that a stranger can verify."""

from typing import Final

from typer import Typer

from hub.cli import handoff_bundle, handoff_commands
from hub.cli.handoff_print import print_
from hub.cli.writing import Verb

app: Final = Typer(help="Handoffs (bàn giao hồ sơ): list, sign, print, export, verify.", no_args_is_help=True)
app.command("list")(handoff_commands.list_)
app.command()(handoff_commands.show)
app.command(cls=Verb)(handoff_commands.sign)
app.command(cls=Verb)(handoff_commands.minute)
app.command("print")(print_)
app.command()(handoff_bundle.export)
app.command()(handoff_bundle.verify)
