"""What the command says, and how it gives up."""

from typing import Final, NoReturn

import typer
from rich.console import Console
from rich.markup import escape

console: Final = Console()
errors: Final = Console(stderr=True)


def fail(message: str) -> NoReturn:
    """Print `message` as an error and end the command with status 1."""
    # Not wrapped: a command or a path that the message names is there to be copied.
    errors.print(f"[bold red]error:[/] {escape(message)}", highlight=False, soft_wrap=True)
    raise typer.Exit(1)
