"""``python -m tests.faults.without claim-version|confirms|… worker …``: the same processes with one rule broken.

For the negative controls only: a checker that never fails proves nothing. A rule is broken here, in the test's own
launcher, so that the product has no switch for it; ``patch`` is ``setattr``, or pytest's for a hub in this process.
"""

import re
import sys
from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any, Final

from hub import broker, delivery, dispatch
from hub.cli.main import main
from hub.messages import claim, inbox, outbox, wakeups

Patch = Callable[[Any, str, Any], None]


def claim_version(patch: Patch) -> None:
    """The last settle wins, whatever claim it belongs to."""
    held = outbox._HOLD.replace("AND o.attempts = held.claim_version", "").replace("o.state = 'sending'", "true")
    settled = outbox._SETTLE.replace("AND attempts = claim_version AND outbox.state = 'sending'", "")
    assert "sending" not in held
    assert settled != outbox._SETTLE
    patch(outbox, "_HOLD", held)
    patch(outbox, "_SETTLE", settled)


def confirms(patch: Patch) -> None:
    """Publish, and believe that it has arrived."""
    patch(broker, "_transport_options", lambda settings: {})  # noqa: ARG005 - the name is the signature


def sweep(patch: Patch) -> None:
    """A wake-up that is lost is not repeated."""
    for name in ("_INBOX", "_OUTBOX"):
        patch(wakeups, name, re.sub(r"(o\.)?wakeup_sent_at IS NULL", "false", vars(wakeups)[name]))
    patch(wakeups, "_lost", lambda *_: [])


def order(patch: Patch) -> None:
    """A transfer does not wait for the one before it in its ordering key."""
    broken = {
        (module, name): text.replace(claim.FIRST_IN_ORDER, "true")
        for module in (claim, wakeups)
        for name, text in vars(module).items()
        if isinstance(text, str) and claim.FIRST_IN_ORDER in text
    }
    assert len(broken) > 1
    for (module, name), text in broken.items():
        patch(module, name, text)


def find_first(patch: Patch) -> None:
    """Send again what may have arrived, without asking."""
    patch(delivery, "find", lambda *_: None)


def content_bound_key(patch: Patch) -> None:
    """An idempotency key stands for whatever is sent with it."""
    patch(inbox, "hashlib", SimpleNamespace(sha256=lambda _: SimpleNamespace(digest=lambda: bytes(32))))


def durable_claim(patch: Patch) -> None:
    """A claim is sent on before it is on disk, whoever the counterparty is."""
    durable = claim.claim

    def asynchronous(conn: Any, *arguments: Any) -> Any:
        conn.execute("SET LOCAL synchronous_commit = off")
        return durable(conn, *arguments)

    patch(claim, "claim", asynchronous)


def isolation(patch: Patch) -> None:
    """A batch that fails is not divided: what fails in it takes the others along."""
    together = dispatch._handled_together
    patch(dispatch, "_handled_together", lambda hub, messages: together(hub, messages) or True)


RULES: Final[Mapping[str, Callable[[Patch], None]]] = {
    "claim-version": claim_version,
    "confirms": confirms,
    "sweep": sweep,
    "order": order,
    "find-first": find_first,
    "content-bound-key": content_bound_key,
    "durable-claim": durable_claim,
    "isolation": isolation,
}

if __name__ == "__main__":
    RULES[sys.argv.pop(1)](setattr)
    main()
