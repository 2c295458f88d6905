"""homeward up: all of Homeward on this machine."""

from pathlib import Path
from typing import Annotated

import typer

from homeward.cli.console import console, fail
from homeward.cli.embedded.process import ProcessError
from homeward.cli.options import DEFAULT_DATA_FOLDER, DataFolder
from homeward.cli.signals import stop_signal
from homeward.cli.stack.stack import Stack
from homeward.shared.models.errors import ModelError
from homeward.shared.models.library import ModelLibrary, default_models_folder


def up(
    data: DataFolder = DEFAULT_DATA_FOLDER,
    models: Annotated[Path | None, typer.Option(help="The folder of the models; fetched there when missing.")] = None,
) -> None:
    """Run all services on this machine, with an embedded broker and object store, until Ctrl-C.

    Everything is kept in one folder: footage, events and keys are there again at the next start.
    """
    folder = models or default_models_folder()
    try:
        ModelLibrary(folder).fetch()
    except ModelError as error:
        fail(str(error))
    except OSError as error:
        fail(f"{folder} cannot be written: {error.strerror}")
    stop = stop_signal()
    stack = Stack(data, folder, report=lambda text: console.print(f"[dim]{text}[/]", highlight=False))
    try:
        context = stack.start()
    except ProcessError as error:
        fail(str(error))
    console.print(f"Homeward runs; its data is in {data}. Ctrl-C stops it.", markup=False)
    console.print(f"The console, where the demo's people sign in by a click: {context.console_url}", markup=False)
    console.print("Next: homeward cameras add ..., homeward authorise start ..., homeward status", markup=False)
    stop.wait()
    console.print("stopping: clips under way are finished and kept")
    stack.stop()
