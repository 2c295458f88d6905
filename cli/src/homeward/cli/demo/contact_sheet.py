"""The contact sheet as one HTML page that needs nothing else: every picture stands in it."""

import base64
from importlib.resources import files
from typing import Final

import jinja2

from homeward.cli.demo.result import DemoResult, FoundSighting, comparison, headline, tiles
from homeward.cli.demo.truth import Verdict

_TEMPLATE: Final = "contact_sheet.html.j2"


def render_html(result: DemoResult) -> str:
    """Return the page. It runs no script and loads nothing, and says so to the browser."""
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
    source = files("homeward.cli.demo").joinpath(_TEMPLATE).read_text(encoding="utf-8")
    return environment.from_string(source).render(
        headline=headline(result),
        made_at=f"{result.made_at:%Y-%m-%d %H:%M} UTC",
        reference=_data_uri(result.reference_jpeg),
        tiles=tiles(result),
        sightings=[_card(seen) for seen in result.sightings],
        missed=[
            {
                "camera": missed.camera_id,
                "from_": f"{missed.from_at:%H:%M:%S}",
                "to": f"{missed.to_at:%H:%M:%S}",
                "face": f"{missed.face_width_px[0]:.0f} to {missed.face_width_px[1]:.0f} px",
            }
            for missed in result.missed
        ],
        absent=result.absent
        and {"reference": _data_uri(result.absent.reference_jpeg), "words": absent_words(result.absent.sightings)},
        comparison=comparison(result),
    )


def absent_words(sightings: int) -> str:
    """Return what came of the search for somebody who is not there."""
    if sightings == 0:
        return "nobody was found"
    return f"{sightings} {'sighting' if sightings == 1 else 'sightings'}, each of them wrong"


def verdict_words(verdict: Verdict | None) -> str:
    """Return a verdict as a badge says it."""
    return "to review" if verdict is None else verdict.value


def _card(seen: FoundSighting) -> dict[str, str]:
    tone = {Verdict.SUBJECT: "good", None: ""}.get(seen.verdict, "bad")
    return {
        "picture": _data_uri(seen.picture_jpeg),
        "camera": seen.camera_id,
        "score": f"{seen.score:.2f}",
        "time": f"{seen.first_seen_at:%H:%M:%S} to {seen.last_seen_at:%H:%M:%S}",
        "face": f"{seen.face_width_px:.0f} px",
        "verdict": verdict_words(seen.verdict),
        "tone": tone,
    }


def _data_uri(jpeg: bytes) -> str:
    return f"data:image/jpeg;base64,{base64.b64encode(jpeg).decode('ascii')}"
