"""homeward demo: the whole main job, once, on this machine."""

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Final

import av
import typer

from homeward.cli.access_api import AccessAwayError, AccessRefusedError
from homeward.cli.console import console, fail
from homeward.cli.demo.contact_sheet import render_html
from homeward.cli.demo.film import LASTS_S, film
from homeward.cli.demo.portraits import DemoPhotosError, fetch_cast
from homeward.cli.demo.result import DemoResult, comparison, headline, tiles
from homeward.cli.demo.run import Demo, DemoOutcome, Footage, SearchRefusedError
from homeward.cli.demo.sheet_picture import render_png
from homeward.cli.demo.verdicts import KnownScene, Photos, demo_result
from homeward.cli.embedded.process import ProcessError
from homeward.cli.officials import DemoOfficials
from homeward.cli.operator import Operator, WaitedTooLongError
from homeward.cli.signals import stop_signal
from homeward.cli.stack.stack import Stack
from homeward.shared.clock import SystemClock
from homeward.shared.models.errors import ModelError
from homeward.shared.models.library import ModelLibrary, default_models_folder
from homeward.shared.vision.photo import MAX_FILE_BYTES, PhotoError, normalise_photo

LIVE_LASTS: Final = timedelta(seconds=24)
_LIVE_LEAD: Final = timedelta(seconds=1)
_UNREADABLE: Final = "the video cannot be read; give a file that FFmpeg knows, such as MP4 or MKV"


@dataclass(frozen=True, slots=True)
class _Played:
    outcome: DemoOutcome
    photos: Photos
    footages: list[Footage]
    scenes: list[KnownScene]
    subject_id: str


def demo(
    video: Annotated[Path | None, typer.Option(help="Your own video instead of the composed ones.")] = None,
    photo: Annotated[Path | None, typer.Option(help="Your own photo of the person to find in it.")] = None,
    out: Annotated[Path, typer.Option(help="Where the contact sheet goes.")] = Path("demo-output"),
    models: Annotated[Path | None, typer.Option(help="The folder of the models; fetched there when missing.")] = None,
    keep: Annotated[
        Path | None, typer.Option(help="Keep the services' data in this folder, to look around in.")
    ] = None,
    stay: Annotated[
        bool, typer.Option("--stay", help="Keep everything running afterwards, to look around in the console.")
    ] = False,
) -> None:
    """Record cameras, search for one person, and show what was found; then search for somebody who is not there."""
    if (video is None) != (photo is None):
        fail("--video and --photo go together")
    begun = time.monotonic()
    folder = models or default_models_folder()
    with writing(out):
        out.mkdir(parents=True, exist_ok=True)
    try:
        with step("fetching what is missing of the models"), writing(folder):
            ModelLibrary(folder).fetch()
        with tempfile.TemporaryDirectory(prefix="homeward-demo-") as scratch:
            play = _own(video, photo) if video and photo else _composed(Path(scratch), folder.parent / "portraits")
            # Data that nobody will come back to needs no durable log.
            stack = Stack(keep or Path(scratch) / "data", folder, durable=keep is not None)

            def finished(played: _Played) -> None:
                took = timedelta(seconds=time.monotonic() - begun)
                with writing(out):
                    _show(_result(played, took), out)

            _with_services(stack, play, finished, stay=stay)
    except (DemoPhotosError, ModelError, PhotoError, ProcessError, SearchRefusedError, WaitedTooLongError) as error:
        fail(str(error))
    except AccessRefusedError as error:
        fail(f"denied: {error.reason}")
    except AccessAwayError as error:
        fail(str(error))


def _result(played: _Played, took: timedelta) -> DemoResult:
    return demo_result(
        played.outcome,
        played.photos,
        played.footages,
        played.scenes,
        played.subject_id,
        now=SystemClock().now(),
        total=took,
    )


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """End the command in one sentence where `folder` takes nothing."""
    try:
        yield
    except OSError as error:
        fail(f"{folder} cannot be written: {error.strerror}")


def _composed(scratch: Path, portraits: Path) -> Callable[[Demo], _Played]:
    """Return how to play the demo on composed video with known truth."""
    with step("fetching what is missing of the portraits") as told:
        cast = fetch_cast(portraits, told)
    photos = Photos(
        normalise_photo(cast.reference.read_bytes(), 1), normalise_photo(cast.absent_reference.read_bytes(), 1)
    )
    scenes: list[KnownScene] = []

    def compose(name: str, starts_at: datetime, lasts: timedelta, seed: int) -> Footage:
        scene = film(cast, scratch / name, starts_at=starts_at, lasts_s=lasts.total_seconds(), seed=seed)
        footage = Footage(scene.videos, starts_at, lasts)
        scenes.append(KnownScene(footage, scene.truth))
        return footage

    with step("composing two cameras' video, with people walking through"):
        lasts = timedelta(seconds=LASTS_S)
        recorded = compose(
            "recorded", SystemClock().now().replace(microsecond=0) - timedelta(minutes=30), lasts, seed=7
        )
        live = compose("live", SystemClock().now(), LIVE_LASTS, seed=11)

    def play(running: Demo) -> _Played:
        def goes_live(now: datetime) -> Footage:
            # Composed beforehand, so that the machine is not at it while the cameras are.
            placed = Footage(live.videos, now + _LIVE_LEAD, live.lasts)
            scenes[1] = KnownScene(placed, scenes[1].truth)
            return placed

        outcome = running.run(recorded, photos.subject, live=goes_live, absent_photo=photos.absent)
        return _Played(outcome, photos, [recorded, scenes[1].footage], scenes, cast.subject_id)

    return play


def _own(video: Path, photo: Path) -> Callable[[Demo], _Played]:
    """Return how to play the demo on the user's own video and photo."""
    for path in (video, photo):
        if not path.is_file():
            fail(f"there is no file {path}")
    with photo.open("rb") as file:
        photos = Photos(normalise_photo(file.read(MAX_FILE_BYTES + 1), 1))
    lasts = _duration(video)
    footage = Footage({"camera": video}, SystemClock().now() - lasts, lasts)
    return lambda running: _Played(running.run(footage, photos.subject), photos, [footage], [], "")


def _duration(video: Path) -> timedelta:
    try:
        with av.open(str(video)) as container:
            length_us = container.duration
    except (av.FFmpegError, OSError):
        fail(_UNREADABLE)
    if length_us is None:
        fail("the video does not say how long it lasts; put it into a container that does, such as MP4")
    return timedelta(microseconds=length_us)


def _with_services(
    stack: Stack, play: Callable[[Demo], _Played], finished: Callable[[_Played], None], *, stay: bool
) -> None:
    """Play on all services; with `stay` they run on afterwards, until a signal."""
    clock = SystemClock()
    with step("starting all services") as told:
        stack.report = told
        context = stack.start()
    try:
        console.print(f"The console is at {context.console_url} while the services run.", markup=False)
        with Operator(context, clock) as operator, DemoOfficials(context, clock) as officials:
            played = play(Demo(operator, officials, clock, step))
        finished(played)
        if stay:
            stop = stop_signal()
            console.print(f"Look around in the console at {context.console_url}; Ctrl-C ends it.", markup=False)
            stop.wait()
    finally:
        with step("stopping all services"):
            stack.stop()


@contextmanager
def step(name: str) -> Iterator[Callable[[str], None]]:
    """Show one step with what it says of its progress, and how long it took."""
    begun = time.monotonic()
    with console.status(name) as status:
        yield lambda text: status.update(f"{name}: {text}")
    console.print(f"[green]✓[/] {name} [dim]({time.monotonic() - begun:.1f} s)[/]", highlight=False)


def _show(result: DemoResult, out: Path) -> None:
    page, picture = out / "contact-sheet.html", out / "contact-sheet.png"
    page.write_text(render_html(result), encoding="utf-8")
    picture.write_bytes(render_png(result))
    console.print()
    console.print(f"[bold]{headline(result)}[/]", highlight=False)
    for tile in tiles(result):
        console.print(f"  {tile.label:24} {tile.value:>12}  [dim]{tile.note}[/]", highlight=False)
    console.print(f"[dim]{comparison(result)}[/]", highlight=False)
    console.print(f"Look at {page} or {picture}", highlight=False)
    unexpected = (
        result.templates.before
        or result.templates.after
        or (result.absent is not None and result.absent.sightings)
        or (result.recall is not None and (result.recall.wrong or not result.recall.found))
    )
    if unexpected:
        fail("this is not what is known to be there: see the contact sheet")
