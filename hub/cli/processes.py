"""Commands of the long-running processes, which a supervisor, systemd or a container starts; they end on SIGTERM."""

import ctypes
import gc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Final

from typer import Context, Option, Typer

from hub.cli import environment
from hub.cli.exits import ExitCode, leave

app: Final = Typer()

PROCESSES: Final = "Processes"
_M_ARENA_MAX: Final = -8
"""mallopt(3)"""
Host = Annotated[str, Option(help="Address to listen on.")]


@contextmanager
def importing() -> Iterator[None]:
    """Import without the garbage collector: modules stay, and searching them for garbage is a sixth of a start."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        gc.freeze()


def share_malloc_arenas() -> None:
    """Have threads share two arenas of memory.

    By default glibc gives nearly each thread its own, and what one has freed no other uses: 9 MiB of a worker.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # other C libraries have none, and no such arenas
    if mallopt is not None:
        mallopt(_M_ARENA_MAX, 2)


@app.command(rich_help_panel=PROCESSES)
def api(
    host: Host = "127.0.0.1",
    port: Annotated[int, Option(min=0, max=65535)] = 8000,
    workers: Annotated[int, Option(min=1, max=64, help="Processes that share the socket.")] = 1,
    fd: Annotated[int | None, Option(help="Inherited listening socket (systemd: 3).")] = None,
) -> None:
    """The HTTP API."""
    environment.adopt()
    share_malloc_arenas()
    with importing():
        from hub.http import serve

    serve.serve(host, port, fd=fd, workers=workers)


@app.command(rich_help_panel=PROCESSES)
def worker(
    queue: Annotated[list[str] | None, Option(help="Only this one (repeatable); none: all.")] = None,
    threads: Annotated[int, Option(min=1, max=64, help="Messages handled at a time.")] = 8,
    name: Annotated[str, Option(help="Its name in Flower.")] = "worker",
) -> None:
    """A worker on some or all queues."""
    environment.adopt()
    share_malloc_arenas()
    with importing():
        from hub import app, broker, logging
        from hub.worker.app import run_worker

    hub = app.build()
    known = broker.queue_names(hub.catalogue)
    if unknown := set(queue or ()) - set(known):
        leave(ExitCode.USAGE, f"hub: no queue is called {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    logging.configure(hub.settings.log_level)
    run_worker(hub, queues=queue or [], threads=threads, name=name)


@app.command(rich_help_panel=PROCESSES)
def beat(
    schedule: Annotated[
        Path | None, Option(help="File touched after each tick that the broker accepted; default: in HUB_VAR.")
    ] = None,
) -> None:
    """The scheduler: sends the ticks. Run exactly one."""
    environment.adopt("HUB_BROKER_URL")
    with importing():
        from hub import configuration, logging
        from hub.worker.beat import run

    settings = configuration.read_beat_settings()
    logging.configure(settings.log_level)
    file = schedule or environment.place().folder / "run" / "beat-schedule"
    file.parent.mkdir(parents=True, exist_ok=True)
    run(settings, touched=file)


@app.command(rich_help_panel=PROCESSES)
def flower(
    host: Host = "127.0.0.1",
    port: Annotated[int, Option(min=0, max=65535)] = 5555,
    url_prefix: Annotated[str, Option(help="Path under which a proxy serves it.")] = "",
) -> None:
    """Flower, read-only, behind HUB_FLOWER_USER and HUB_FLOWER_PASSWORD."""
    environment.adopt()
    from pydantic import ValidationError

    from hub import logging
    from hub.cli.flower import FlowerSettings, serve
    from schemas.strict import faults_of

    try:
        settings = FlowerSettings()
    except ValidationError as error:
        fault = faults_of(error)[0]
        leave(ExitCode.USAGE, f"hub: HUB_{fault.pointer.strip('/').upper()}: {fault.detail}")
    logging.configure()
    serve(settings, host, port, url_prefix)


@app.command(
    rich_help_panel=PROCESSES,
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
    add_help_option=False,
)
def sandbox(context: Context) -> None:
    """Every counterparty of the catalogue as a server on this machine, for trials (see its own --help)."""
    from connectors.sandbox.__main__ import main

    leave(ExitCode(main(context.args)))
