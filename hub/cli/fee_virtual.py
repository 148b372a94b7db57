"""hub fee virtual-accounts: the numbers that a bank has given us, each for one demand."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

from typer import Argument, Typer

from hub.cli import environment, output, writing
from hub.cli.exits import Code, leave

if TYPE_CHECKING:
    from hub.events import Event
    from hub.work import Work

app: Final = Typer(help="Virtual accounts (tài khoản định danh): import.", no_args_is_help=True)


@app.command("import")
def import_(
    file: Annotated[Path, Argument(help="CSV with the columns number,reference", exists=True, dir_okay=False)],
) -> None:
    """Take the bank's list: money that comes to such a number is its demand's (P2). All of it, or nothing."""
    from hub import dispatch
    from hub.fees.matching import virtual

    try:
        given = virtual.read(file.read_bytes())
    except virtual.NotAList as error:
        leave(Code.USAGE, f"hub: {file.name}: {error}")

    def bring(work: "Work") -> "tuple[int, list[Event]]":
        return virtual.bring(work, given), []

    with environment.house() as hub:
        new = dispatch.act(hub, writing.actor(), bring)
    output.say(f"{file.name}: {new} new, {len(given) - new} known ✔")
