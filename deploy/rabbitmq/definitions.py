#!/usr/bin/env python3
"""Prints what the hub needs in RabbitMQ (virtual host, queues, a user a role), for ``rabbitmqctl import_definitions``.

    definitions.py [--catalogue FOLDER] [--passwords FOLDER] > definitions.json

The queues come from hub.broker and the catalogue, so run it again when a counterparty is added, and import the result:
what is there already stays as it is. ``--passwords`` names a folder with one file a role (deploy, api, worker, beat,
flower); without it the users have no password and nobody can log in. The committed definitions.json is the shipped
catalogue without passwords.

What each role may do, and why, stands in ROLES. Celery's own places: a worker listens to remote control on an exclusive
queue (<name>@<host>.celery.pidbox) that it binds to ``celery.pidbox``, answers to ``reply.celery.pidbox``, and tells
its events to ``celeryev``. Flower has exclusive queues of its own (celeryev.<uuid>, <uuid>.reply.celery.pidbox). The
two pidbox exchanges are not durable, so whoever comes first after a restart declares them: that takes "configure".
Celery's queues for delayed delivery are not here: our workers do not use them (hub/worker/consumer.py).
"""

import argparse
import base64
import hashlib
import json
import secrets
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from kombu import Exchange

from config.catalogue import Catalogue, load
from config.settings import PACKAGED
from hub import broker
from hub.messages import inbox

VHOST: Final = "hub"
SHORTEST_PASSWORD: Final = 16
NOTHING: Final = "^$"
_UUID: Final = "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_CONTROL: Final = r"[^@]+@[^@]+\.celery\.pidbox"
_SHARED: Final = r"celeryev|celery\.pidbox|reply\.celery\.pidbox"
_FLOWERS: Final = rf"celeryev\.{_UUID}|{_UUID}\.reply\.celery\.pidbox"


@dataclass(frozen=True, slots=True)
class BrokerRole:
    """Regular expressions over names of exchanges and queues; ``keys`` over the routing keys of the exchange "hub"."""

    configure: str = NOTHING
    write: str = NOTHING
    read: str = NOTHING
    keys: str = NOTHING
    tags: str = ""


ROLES: Final = {
    # Imports these definitions; no process of the hub runs as this one.
    "deploy": BrokerRole(configure=".*", write=".*", read=".*", keys=".*", tags="administrator"),
    # Says "this has come in", and can neither hear nor make anything.
    "api": BrokerRole(write=f"^{broker.EXCHANGE.name}$", keys=f"^{inbox.QUEUE}$"),
    # Consumes every queue of ours; sends on what its own work and the sweep make due.
    "worker": BrokerRole(
        configure=f"^({_SHARED}|{_CONTROL})$",
        write=rf"^({broker.EXCHANGE.name}|celeryev|reply\.celery\.pidbox|{_CONTROL})$",
        read=rf"^({inbox.QUEUE}|outbox\..+|{broker.TICKS}|celery\.pidbox|{_CONTROL})$",
        keys=rf"^({inbox.QUEUE}|outbox\..+)$",
    ),
    "beat": BrokerRole(write=f"^{broker.EXCHANGE.name}$", keys=f"^{broker.TICKS}$"),
    # Hears the events, asks the workers how they are (that is a message to celery.pidbox), and may look at the lengths
    # of queues; it cannot put anything into the hub's exchange, nor take anything out of its queues.
    "flower": BrokerRole(
        configure=f"^({_SHARED}|{_FLOWERS})$",
        write=rf"^(celery\.pidbox|{_FLOWERS})$",
        read=rf"^(celeryev|reply\.celery\.pidbox|{_FLOWERS})$",
        tags="monitoring",
    ),
}


class _AnySecret(Mapping[str, str]):
    """Stands in for the counterparties' secrets, because no queue depends on them."""

    def __getitem__(self, name: str) -> str:
        return f"{name}: not needed here"

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


def user(role: str) -> str:
    """The role's name in RabbitMQ, where others may have a "worker" too."""
    return f"hub-{role}"


def definitions(catalogue: Catalogue, passwords: Mapping[str, str]) -> dict[str, Any]:
    """In the form of RabbitMQ's definition files. A role without a password cannot log in."""
    queues = dict.fromkeys(broker.queue_names(catalogue), broker.QUORUM) | {broker.DEAD: broker.QUORUM_DEAD}
    bindings = [(broker.EXCHANGE, name, name) for name in broker.queue_names(catalogue)]
    return {
        "vhosts": [{"name": VHOST}],
        "users": [_user(name, role, passwords.get(name)) for name, role in ROLES.items()],
        "permissions": [
            {"user": user(name), "vhost": VHOST, "configure": role.configure, "write": role.write, "read": role.read}
            for name, role in ROLES.items()
        ],
        "topic_permissions": [
            {"user": user(name), "vhost": VHOST, "exchange": broker.EXCHANGE.name, "write": role.keys, "read": NOTHING}
            for name, role in ROLES.items()
            if name != "deploy"
        ],
        "exchanges": [_exchange(exchange) for exchange in (broker.EXCHANGE, broker.DEAD_EXCHANGE)],
        "queues": [
            {"name": name, "vhost": VHOST, "durable": True, "auto_delete": False, "arguments": arguments}
            for name, arguments in queues.items()
        ],
        "bindings": [
            {
                "source": source.name,
                "vhost": VHOST,
                "destination": queue,
                "destination_type": "queue",
                "routing_key": key,
                "arguments": {},
            }
            for source, queue, key in [*bindings, (broker.DEAD_EXCHANGE, broker.DEAD, "")]
        ],
    }


def text(definitions: Mapping[str, Any]) -> str:
    """As it is committed and imported."""
    return json.dumps(definitions, indent=2) + "\n"


def shipped() -> str:
    """The committed definitions.json: the shipped catalogue, and nobody can log in."""
    return text(definitions(load(PACKAGED, _AnySecret()), {}))


def _user(name: str, role: BrokerRole, password: str | None) -> dict[str, str]:
    return {
        "name": user(name),
        "password_hash": "" if password is None else _hash(password),
        "hashing_algorithm": "rabbit_password_hashing_sha256",
        "tags": role.tags,
    }


def _hash(password: str) -> str:
    """A salt of four bytes before its SHA-256 with the password: https://www.rabbitmq.com/docs/passwords."""
    salt = secrets.token_bytes(4)
    return base64.b64encode(salt + hashlib.sha256(salt + password.encode()).digest()).decode()


def _exchange(exchange: Exchange) -> dict[str, Any]:
    return {
        "name": exchange.name,
        "vhost": VHOST,
        "type": exchange.type,
        "durable": exchange.durable,
        "auto_delete": exchange.auto_delete,
        "internal": False,
        "arguments": {},
    }


def _read(folder: Path) -> dict[str, str]:
    passwords = {name: (folder / name).read_text(encoding="utf-8").strip() for name in ROLES}
    for name, password in passwords.items():
        if len(password) < SHORTEST_PASSWORD:
            sys.exit(f"{folder / name}: a password has {SHORTEST_PASSWORD} characters or more")
    return passwords


def main() -> None:
    summary, _, explanation = (__doc__ or "").partition("\n\n")
    parser = argparse.ArgumentParser(
        description=summary, epilog=explanation, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--catalogue", type=Path, default=PACKAGED, help="as HUB_CATALOGUE; unset: the shipped one")
    parser.add_argument("--passwords", type=Path, help="folder with one file a role, which holds its password")
    arguments = parser.parse_args()
    passwords = _read(arguments.passwords) if arguments.passwords else {}
    sys.stdout.write(text(definitions(load(arguments.catalogue, _AnySecret()), passwords)))


if __name__ == "__main__":
    main()
