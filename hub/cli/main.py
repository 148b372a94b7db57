"""``hub``: every command that a person, a script or a service manager runs.

The module of a command is imported when the command runs. ``hub --help`` and shell completion need the table only.
"""

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Final

from typer import Typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_group
from typing_extensions import override

from hub.cli import extras
from hub.cli.exits import ExitCode, code_of

PROCESSES: Final = "Processes"


@dataclass(frozen=True, slots=True)
class CommandEntry:
    """A command, or a group of them: its module, whose ``app`` has it, and the first paragraph of its help."""

    module: str
    help: str
    is_group: bool = False
    panel: str | None = None

    def load(self, name: str) -> Any:
        """Import the module and return the command."""
        group = get_group(import_module(self.module).app)
        if not self.is_group:
            return group.commands[name]
        group.name = name
        return group

    def summary(self, name: str) -> TyperCommand:
        """Return a stand-in with the name and the help, which a list of commands shows."""
        return TyperCommand(name, help=self.help, rich_help_panel=self.panel)


COMMANDS: Final[Mapping[str, CommandEntry]] = {
    "up": CommandEntry(
        "hub.cli.stack",
        "Start database, broker, API, workers, beat and Flower on this machine, for you alone; Ctrl-C stops them all.",
    ),
    "down": CommandEntry("hub.cli.stack", "Stop the embedded stack; its state stays in ./var."),
    "demo": CommandEntry(
        "hub.cli.demo.command",
        "Push invented submissions through the whole hub; prove that each arrived once, every status came back, and"
        " every đồng paid for them is where it should be.",
    )
    if extras.is_installed("hub.cli.demo")
    else CommandEntry(
        "hub.cli.extras", "Rehearse a day or a month with invented submissions (not installed: extra sandbox)."
    ),
    "doctor": CommandEntry(
        "hub.cli.doctor",
        "Check configuration, database, broker, certificates, keys, custody log, clock, and what stands still.",
    ),
    "api": CommandEntry("hub.cli.processes", "The HTTP API.", panel=PROCESSES),
    "worker": CommandEntry("hub.cli.processes", "A worker on some or all queues.", panel=PROCESSES),
    "beat": CommandEntry("hub.cli.processes", "The scheduler: sends the ticks. Run exactly one.", panel=PROCESSES),
    "flower": CommandEntry(
        "hub.cli.processes",
        "Flower, read-only, behind HUB_FLOWER_USER and HUB_FLOWER_PASSWORD.",
        panel=PROCESSES,
    ),
    "sandbox": CommandEntry(
        "hub.cli.processes",
        "Every counterparty of the catalogue as a server on this machine, for trials (see its own --help).",
        panel=PROCESSES,
    ),
    "db": CommandEntry("hub.cli.database", "Database: upgrade, check.", is_group=True),
    "transfer": CommandEntry(
        "hub.cli.transfer", "Transfers (lần chuyển): list, show, replay, park, cancel, check.", is_group=True
    ),
    "inbox": CommandEntry(
        "hub.cli.inbox", "Inbox messages that wait for a person: list, show, requeue, refuse.", is_group=True
    ),
    "partner": CommandEntry("hub.cli.partner", "Counterparties (đối tác): list, pause, resume, test.", is_group=True),
    "keys": CommandEntry("hub.cli.keys", "Signing keys (khóa ký): list, check, rotate.", is_group=True),
    "submission": CommandEntry("hub.cli.submission", "Submissions (hồ sơ nộp).", is_group=True),
    "handoff": CommandEntry(
        "hub.cli.handoff", "Handoffs (bàn giao hồ sơ): list, sign, print, export, verify.", is_group=True
    ),
    "custody": CommandEntry(
        "hub.cli.custody", "Custody log (sổ lưu vết): audit, show, proof, checkpoints.", is_group=True
    ),
    "events": CommandEntry("hub.cli.events", "Events (thông báo cho Cổng).", is_group=True),
    "consignment": CommandEntry(
        "hub.cli.consignment", "Consignments (bưu gửi): list, order, print, complain, report.", is_group=True
    ),
    "fee": CommandEntry("hub.cli.fee", "Fees (phí, lệ phí): demands, bank statements, matching, proof.", is_group=True),
}
"""Name → the command. tests/unit/cli/test_main.py compares the help with what the command itself says."""


class LazyCommands(Mapping[str, Any]):
    """The commands of COMMANDS, each loaded when it is first looked up."""

    def __init__(self) -> None:
        self._loaded: dict[str, Any] = {}

    @override
    def __getitem__(self, name: str) -> Any:
        if name not in self._loaded:
            self._loaded[name] = COMMANDS[name].load(name)
        return self._loaded[name]

    @override
    def __iter__(self) -> Iterator[str]:
        return iter(COMMANDS)

    @override
    def __len__(self) -> int:
        return len(COMMANDS)


class LazyGroup(TyperGroup):
    """Group that loads a command when it runs, and none to list them."""

    def __init__(self, **attrs: Any) -> None:
        super().__init__(**attrs)
        self.commands = LazyCommands()  # type: ignore[assignment]  # nothing is ever added to it

    @override
    def list_commands(self, ctx: Any) -> list[str]:
        return list(self.commands)

    @override
    def format_help(self, ctx: Any, formatter: Any) -> None:
        with self._summaries():
            super().format_help(ctx, formatter)

    @override
    def shell_complete(self, ctx: Any, incomplete: str) -> list[Any]:
        with self._summaries():
            return super().shell_complete(ctx, incomplete)

    @contextmanager
    def _summaries(self) -> Iterator[None]:
        lazy, self.commands = self.commands, {name: entry.summary(name) for name, entry in COMMANDS.items()}
        try:
            yield
        finally:
            self.commands = lazy


app: Final = Typer(
    cls=LazyGroup,
    help="Liên thông Hub: hands dossiers over to departments and reports to the portal what became of them.",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,
    epilog="Exit codes: 0 ok, 1 unexpected, 2 usage, 3 finding, 4 not found, 5 refused, 6 unreachable, 130 Ctrl-C.",
)


@app.callback()
def hub() -> None:
    """Make Typer build a group: it has no command of its own before one is loaded."""


def main() -> None:
    """Run the command. An expected error is one line on stderr and its exit code."""
    try:
        app(prog_name="hub")
    except ModuleNotFoundError as error:
        sentence = extras.sentence(error.name or "")
        if sentence is None:
            raise
        sys.stderr.write(f"hub: {sentence}\n")
        sys.exit(ExitCode.USAGE)
    except Exception as error:
        code = code_of(error)
        if code is None:
            raise
        sys.stderr.write(f"hub: {' '.join(str(error).split())}\n")
        sys.exit(code)
