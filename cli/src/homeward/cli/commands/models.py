"""homeward models: what models there are, which of them are here, and fetching the rest."""

from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, Progress, TaskID, TextColumn
from rich.table import Column, Table

from homeward.cli.console import console, fail
from homeward.shared.models.errors import ModelError
from homeward.shared.models.library import FetchProgress, ModelLibrary, State, default_models_folder
from homeward.shared.models.manifest import UnknownModelError

app = typer.Typer(
    no_args_is_help=True,
    help="The models that find and compare faces: named with licence and SHA-256, verified when read.",
)

Folder = Annotated[
    Path | None,
    typer.Option(
        envvar="HOMEWARD_MODELS_FOLDER", help="The folder of the models.", show_default="~/.cache/homeward/models"
    ),
]

_WORDS = {
    State.VERIFIED: "[green]verified[/green]",
    State.MISSING: "[yellow]missing[/yellow]",
    State.DAMAGED: "[red]damaged[/red]",
}


@app.command("list")
def list_models(folder: Folder = None) -> None:
    """Show every model; the exit status is 1 when one that Homeward needs is missing or damaged."""
    library = ModelLibrary(folder or default_models_folder())
    table = Table(Column("model", no_wrap=True), "role", "licence", "here", "sha256")
    whole = True
    for model in library.manifest.models:
        state = library.state(model.name)
        whole = whole and (model.optional or state is State.VERIFIED)
        name = f"{model.name} [dim](optional)[/dim]" if model.optional else model.name
        table.add_row(name, model.role, model.licence, _WORDS[state], model.sha256[:12])
    console.print(table)
    console.print(f"in {library.folder}")
    if not whole:
        console.print("run [bold]homeward models fetch[/bold]")
        raise typer.Exit(1)


@app.command()
def fetch(
    names: Annotated[
        list[str] | None, typer.Argument(help="Models to fetch.", show_default="all that are needed")
    ] = None,
    folder: Folder = None,
    source: Annotated[
        list[Path] | None,
        typer.Option("--from", help="A folder that may hold the files already; repeat it for more.", exists=True),
    ] = None,
) -> None:
    """Fetch models and verify them; what is there already is left alone."""
    library = ModelLibrary(folder or default_models_folder(), offline=source or ())
    columns = (TextColumn("{task.description}"), BarColumn(12), TextColumn("[dim]{task.fields[source]}"))
    try:
        with Progress(*columns, console=console) as progress:
            library.fetch(names or (), _Shown(progress))
    except (UnknownModelError, ModelError) as error:
        fail(str(error))
    except OSError as error:
        fail(f"{library.folder} cannot be written: {error.strerror}")
    for name in names or library.manifest.needed():
        console.print(f"{name}: verified, {library.path(name)}")


class _Shown:
    """Shows a fetch as one bar for each model."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._tasks: dict[str, TaskID] = {}

    def __call__(self, step: FetchProgress) -> None:
        """Show one step."""
        name = step.model.name
        if name not in self._tasks:
            self._tasks[name] = self._progress.add_task(name, total=None, source=step.source)
        self._progress.update(self._tasks[name], completed=step.done_bytes, total=step.total_bytes, source=step.source)
