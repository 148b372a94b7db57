"""The environment of an embedded stack's processes, and of a command that finds one running.

Apart from hub.embedded.stack, whose servers and certificates a command need not import.
"""

import json
import os
from pathlib import Path
from typing import Final

from config.settings import PACKAGED
from hub.embedded.ports import LOOPBACK
from hub.embedded.secrets import Secrets, stored_secrets
from hub.embedded.stack_folder import Addresses, StackFolder

REHEARSAL: Final = {
    "HUB_PAUSES": "[1, 2, 4, 8, 15, 30]",
    "HUB_INBOX_PAUSES": "[0.5, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 10, 30]",
    "HUB_SWEEP_EVERY": "2",
    "HUB_WAKEUP_REPEAT_AFTER": "5",
    "HUB_POLL_EVERY": "2",
    "HUB_POLL_AT_LEAST_EVERY": "2",
    "HUB_CHECKPOINT_EVERY": "5",
    "HUB_BREAKER_PAUSE": "2",
    "HUB_LEASE_MARGIN": "5",
    "HUB_SANDBOX_HANG_SECONDS": "5",
}
"""settings beside the sandbox: pauses of seconds, so that one can watch; the environment takes precedence"""


def environment_of(place: StackFolder, addresses: Addresses, secrets: Secrets) -> dict[str, str]:
    """The environment of a process of the stack: settings by its folder and addresses, and the secrets."""
    environment = {
        **secrets.hub,
        "HUB_KEYS": os.environ.get("HUB_KEYS") or str(place.pki / "keys"),
        "HUB_DATABASE_URL": addresses.database,
        "HUB_BROKER_URL": addresses.broker,
        "HUB_PUBLIC_URL": addresses.api,
    }
    if addresses.partners:
        environment["HUB_PARTNER_URLS"] = json.dumps(addresses.partners)
        environment["HUB_WEBHOOK_NETWORKS"] = os.environ.get("HUB_WEBHOOK_NETWORKS") or json.dumps([f"{LOOPBACK}/32"])
        environment |= {name: os.environ.get(name, value) for name, value in REHEARSAL.items()}
    return environment


def running_environment(place: StackFolder) -> dict[str, str] | None:
    """The environment of the stack that runs in ``place``; None if none does. Raises CatalogueError."""
    addresses = place.running()
    if addresses is None:
        return None
    catalogue = Path(os.environ.get("HUB_CATALOGUE") or PACKAGED)
    return environment_of(place, addresses, stored_secrets(place.secrets, catalogue, os.environ))
