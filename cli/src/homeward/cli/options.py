"""Options that commands share."""

from pathlib import Path
from typing import Annotated

import typer

from homeward.cli.console import fail
from homeward.cli.context import Context, ContextError

DEFAULT_DATA_FOLDER = Path("homeward-data")

DataFolder = Annotated[
    Path, typer.Option("--data", help="The folder that `homeward up` keeps its data in.", show_default=True)
]


def load_context(data: Path) -> Context:
    """Return how to reach the Homeward whose data is in `data`; end the command when there is none."""
    try:
        return Context.load(data)
    except ContextError as error:
        fail(str(error))
