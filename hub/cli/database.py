"""hub db: the database's schema."""

from typing import TYPE_CHECKING, Final

from typer import Typer

from hub.cli import environment, output
from hub.cli.exits import ExitCode, leave
from hub.cli.output import AsJson

if TYPE_CHECKING:
    from config.settings import Settings

app: Final = Typer(help="Database: upgrade, check.", no_args_is_help=True)


@app.command()
def upgrade() -> None:
    """Migrate the schema to the newest step, and set how long evidence is kept (HUB_EVIDENCE_DAYS)."""
    from hub.migrations import run

    settings = _settings()
    url = str(settings.database_url)
    run.upgrade(url)
    run.retain(url, evidence_days=settings.evidence_days)
    output.say(f"database at step {run.current(url)}")


@app.command()
def check(as_json: AsJson = False) -> None:
    """Check that the schema is at the newest step. Exit 3 if not."""
    from hub.migrations import run

    current, newest = run.current(str(_settings().database_url)), run.head()
    if as_json:
        output.document({"current": current, "newest": newest})
    else:
        output.say(f"database at step {current}, newest {newest}")
    if current != newest:
        leave(ExitCode.FINDING, "run: hub db upgrade")


def _settings() -> "Settings":
    environment.adopt()
    from hub.configuration import read_settings

    return read_settings()
