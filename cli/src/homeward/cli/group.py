"""The command's outermost layer: what no command has a better answer to."""

from typing import Any

from typer.core import TyperGroup

from homeward.cli.console import fail
from homeward.cli.eventlog import BrokerAwayError


class HomewardGroup(TyperGroup):
    """Ends any command in one sentence, and without a traceback, where no broker answers."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command that `ctx` names."""
        try:
            return super().invoke(ctx)
        except BrokerAwayError as error:
            fail(str(error))
