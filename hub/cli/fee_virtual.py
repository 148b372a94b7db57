"""hub fee virtual-accounts: the numbers that a bank has given us, each for one demand."""

from pathlib import Path
from typing import Annotated, Final

from typer import Argument, Typer

from hub.cli import output, writing
from hub.cli.exits import ExitCode, leave
from hub.cli.files import read_sent
from hub.cli.writing import Verb

app: Final = Typer(help="Virtual accounts (tài khoản định danh): import.", no_args_is_help=True)


@app.command("import", cls=Verb)
def import_(
    file: Annotated[Path, Argument(help="CSV with the columns number,reference", exists=True, dir_okay=False)],
) -> None:
    """Take the bank's list: money that comes to such a number is its demand's (P2). All of it, or nothing."""
    from hub.fees.reconciliation.matching import virtual
    from hub.untrusted import files
    from schemas.statement import UnreadableFile

    try:
        given = files.virtual_accounts(read_sent(file))
    except UnreadableFile as error:
        leave(ExitCode.USAGE, f"hub: {file.name}: {error.sentence}")

    new = writing.act(lambda uow: (virtual.bring(uow, given), []))
    output.say(f"{file.name}: {new} số mới, {len(given) - new} đã có ✔")
