"""hub db: the database's schema."""

from typing import Final

from typer import Typer

from hub.cli import environment, output
from hub.cli.exits import Code, leave
from hub.cli.output import AsJson

app: Final = Typer(help="The database: upgrade, check.", no_args_is_help=True)


@app.command()
def upgrade() -> None:
    """Bring the schema to the newest step."""
    from hub.migrations import run

    url = _url()
    run.upgrade(url)
    output.say(f"database at step {run.current(url)}")


@app.command()
def check(as_json: AsJson = False) -> None:
    """Whether the schema is at the newest step. Exit 3 if not."""
    from hub.migrations import run

    current, newest = run.current(_url()), run.head()
    if as_json:
        output.document({"current": current, "newest": newest})
    else:
        output.say(f"database at step {current}, newest {newest}")
    if current != newest:
        leave(Code.FINDING, "run: hub db upgrade")


def _url() -> str:
    environment.adopt()
    from hub.wiring import read_settings

    return str(read_settings().database_url)
