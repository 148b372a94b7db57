"""A sandbox postal operator."""

from starlette.applications import Starlette

from config.catalogue import Operator
from connectors.sandbox.control import control
from connectors.sandbox.knobs import Panel, Settings


class PostOffice:
    """One operator."""

    def __init__(self, operator: Operator, settings: Settings) -> None:
        self.operator = operator
        self.panel = Panel(settings)
        self.app = Starlette(routes=[control(self.panel)])
