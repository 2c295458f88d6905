"""homeward models: what models there are, which of them are here, and fetching the rest."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, Progress, TaskID, TextColumn
from rich.table import Column, Table

from homeward.cli.console import console, fail
from homeward.shared.models.errors import ModelError
from homeward.shared.models.library import FetchProgress, ModelLibrary, State, default_models_folder, sha256_of
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


@app.command()
def calibrate(
    pairs: Annotated[
        Path, typer.Argument(help="Folder of photos <person>-<anything>.jpg, two and more of each person.", exists=True)
    ],
    out: Annotated[Path, typer.Argument(help="The calibration to write, a file *.json.")],
    onnx: Annotated[
        Path | None, typer.Option(help="Your own embedder's ONNX file.", show_default="MobileFaceNet", exists=True)
    ] = None,
    name: Annotated[str | None, typer.Option(help="What templates of it are called, as HOMEWARD_ONNX__NAME.")] = None,
    mean: Annotated[float, typer.Option(help="As HOMEWARD_ONNX__MEAN.")] = 127.5,
    scale: Annotated[float, typer.Option(help="As HOMEWARD_ONNX__SCALE.")] = 127.5,
    mirror: Annotated[bool, typer.Option(help="As HOMEWARD_ONNX__MIRROR.")] = True,
    folder: Folder = None,
) -> None:
    """Measure what an embedder's scores are worth, on photos of people who agreed to it.

    The first photo by name is each person's reference; the others are made what a camera would see, at every width.
    `matching` reads the file from HOMEWARD_CALIBRATIONS_FOLDER and searches with no embedder that has none.
    """
    if (onnx is None) != (name is None):
        fail("your own embedder needs both --onnx and --name")
    own: dict[str, object] = {}
    if onnx is not None:
        own = {"path": str(onnx.resolve()), "sha256": sha256_of(onnx), "name": name}
        own |= {"mean": mean, "scale": scale, "mirror": mirror}
    library = folder or default_models_folder()
    # The embedder's libraries belong to its service, which measures as it embeds.
    command = [sys.executable, "-m", "homeward.embedding", "calibrate", str(pairs), str(out)]
    command += ["--models", str(library), "--onnx", json.dumps(own)]
    done = subprocess.run(command, check=False)  # noqa: S603 - a program of ours, given paths as whole arguments
    if done.returncode:
        raise typer.Exit(done.returncode)


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
