"""What the command says, and how it gives up."""

from typing import Final, NoReturn

import typer
from rich.console import Console
from rich.markup import escape

console: Final = Console()
errors: Final = Console(stderr=True)


def fail(message: str) -> NoReturn:
    """Print `message` as an error and end the command with status 1."""
    errors.print(f"[bold red]error:[/] {escape(message)}", highlight=False)
    raise typer.Exit(1)
