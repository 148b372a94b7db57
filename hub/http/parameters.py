"""Parameters of the address: those that a door has, each at most once, and no others.

A misspelt ``?referance=`` would otherwise be answered as if nothing had been asked for: with everybody's submissions.
"""

from collections import Counter
from collections.abc import Collection

from starlette.requests import Request

from hub.http import problem_types
from hub.http.problems import Problem
from schemas.faults import MAX_FAULTS, Fault, pointer_of


async def known(request: Request) -> None:
    """The check as a dependency; it stands behind the guard."""
    check(request)


def check(request: Request, names: Collection[str] | None = None) -> None:
    """Raises Problem for a parameter that the door does not have, and for one that is given twice.

    ``names``: the door's; None: those that its route declares.
    """
    if not request.scope["query_string"]:
        return
    if names is None:
        names = {field.alias for field in request.scope["route"].dependant.query_params}
    given = Counter(name for name, _ in request.query_params.multi_items())
    faults = [
        Fault(pointer_of(("query", name)), "unknown_parameter", "is no parameter of this address")
        if name not in names
        else Fault(pointer_of(("query", name)), "parameter_twice", "is given twice")
        for name, count in given.items()
        if name not in names or count > 1
    ]
    if faults:
        raise Problem(problem_types.PARAMETER, faults=faults[:MAX_FAULTS])
