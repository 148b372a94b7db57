"""``python -m tests.faults.without claim-version|confirms worker …``: the same processes with one rule broken.

For the negative controls only: a checker that never fails proves nothing. The rule is broken here, in the test's own
launcher, so that the product has no switch for it.
"""

import sys

from hub import broker
from hub.cli.main import main
from hub.messages import outbox


def claim_version() -> None:
    """The last settle wins, whatever claim it belongs to."""
    broken = outbox._SETTLE.replace("AND attempts = %(claim_version)s AND state = 'sending'", "")
    assert broken != outbox._SETTLE
    outbox._SETTLE = broken  # type: ignore[misc]


def confirms() -> None:
    """Publish, and believe that it has arrived."""
    broker._transport_options = lambda settings: {}  # noqa: ARG005 - the name is the signature


RULES = {"claim-version": claim_version, "confirms": confirms}

if __name__ == "__main__":
    RULES[sys.argv.pop(1)]()
    main()
