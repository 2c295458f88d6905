"""The contact sheet, as a page and as a picture."""

import io
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import cv2
import numpy as np
import pytest
from PIL import Image

from homeward.cli.demo.contact_sheet import render_html
from homeward.cli.demo.result import (
    AbsentSearch,
    Compared,
    DemoResult,
    FoundSighting,
    Recall,
    TemplateCounts,
    Timings,
    headline,
    tiles,
)
from homeward.cli.demo.sheet_picture import render_png
from homeward.cli.demo.truth import Missed, Verdict

_NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def _jpeg(colour: tuple[int, int, int]) -> bytes:
    done, encoded = cv2.imencode(".jpg", np.full((176, 176, 3), colour, dtype=np.uint8))
    assert done
    return encoded.tobytes()


def _sighting(score: float, verdict: Verdict | None = Verdict.SUBJECT) -> FoundSighting:
    return FoundSighting("gate", _NOON, _NOON + timedelta(seconds=4), score, 81.4, _jpeg((20, 40, 200)), verdict)


def _result() -> DemoResult:
    return DemoResult(
        made_at=_NOON,
        reference_jpeg=_jpeg((200, 120, 40)),
        sightings=(_sighting(0.812), _sighting(0.633, Verdict.OTHER)),
        missed=(Missed("hall", _NOON, _NOON + timedelta(seconds=6), (48.2, 51.7)),),
        recall=Recall(appearances=2, found=1, wrong=1),
        templates=TemplateCounts(0, 1, 0),
        compared=Compared(2, 120.0, 60, 41, "blazeface-full-range", "mobilefacenet", 0.5),
        timings=Timings(5.4, 1.3, 160.0),
        absent=AbsentSearch(_jpeg((1, 2, 3)), 0),
    )


def test_the_page_shows_everything() -> None:
    page = render_html(_result())
    for words in (
        "Found in 1 of 2 appearances",
        "0.81",
        "81 px",
        "12:00:00 to 12:00:04",
        "the person",
        "somebody else",
    ):
        assert words in page
    for words in ("hall", "48 to 52 px", "nobody was found", "0 · 1 · 0", "41 faces compared", "5.4 s", "0.50"):
        assert words in page
    assert page.count('<article class="card">') == 2
    assert page.index("0.81") < page.index("0.63")


def test_the_page_needs_nothing_else() -> None:
    page = render_html(_result())
    assert re.findall(r'(?:src|href)="(?!data:image/jpeg;base64,)', page) == []
    assert "<script" not in page
    assert "default-src 'none'" in page


def test_the_page_says_nothing_but_text_where_a_camera_is_called_markup() -> None:
    named = replace(_sighting(0.7), camera_id="<b>gate</b>")
    assert "<b>gate</b>" not in render_html(replace(_result(), sightings=(named,)))


def test_without_truth_nothing_is_judged() -> None:
    result = replace(_result(), recall=None, sightings=(_sighting(0.7, None),), missed=(), absent=None)
    assert headline(result) == "1 sighting to review"
    page = render_html(result)
    assert "to review" in page
    assert "Appearances found" not in page
    assert "second search" not in page


def test_templates_left_behind_are_bad() -> None:
    marks = {tile.label: tile.good for tile in tiles(replace(_result(), templates=TemplateCounts(0, 1, 1)))}
    assert marks["Templates at rest"] is False
    assert {tile.label: tile.good for tile in tiles(_result())}["Templates at rest"] is True


@pytest.mark.parametrize("count", [0, 1, 6, 7, 30])
def test_the_picture_grows_with_what_it_shows(count: int) -> None:
    with Image.open(io.BytesIO(render_png(replace(_result(), sightings=(_sighting(0.7),) * count)))) as picture:
        assert picture.width == 1200
        assert 500 < picture.height < 1300
        assert picture.format == "PNG"


def test_the_picture_shows_the_sightings() -> None:
    with Image.open(io.BytesIO(render_png(_result()))) as picture:
        pixels = np.asarray(picture.convert("RGB")).astype(int)
    red = (np.abs(pixels - (200, 40, 20)) < 12).all(axis=-1)
    assert red.sum() == pytest.approx(2 * 160 * 160, rel=0.15)
