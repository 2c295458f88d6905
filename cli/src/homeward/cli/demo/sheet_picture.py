"""The contact sheet as one picture, for a README or a terminal that shows pictures."""

import io
from dataclasses import dataclass
from typing import Final

from PIL import Image, ImageDraw, ImageFont, ImageOps

from homeward.cli.demo.contact_sheet import absent_words, verdict_words
from homeward.cli.demo.result import DemoResult, FoundSighting, Tile, comparison, headline, tiles
from homeward.cli.demo.truth import Verdict

_WIDTH: Final = 1200
_MARGIN: Final = 36
_GAP: Final = 14
_HEADER: Final = 108
_REFERENCE: Final = (190, 230)
_TILES_A_ROW: Final = 3
_TILE_HEIGHT: Final = (_REFERENCE[1] - _GAP) // 2
_CARDS_A_ROW: Final = 6
_CARD_WIDTH: Final = (_WIDTH - 2 * _MARGIN - (_CARDS_A_ROW - 1) * _GAP) // _CARDS_A_ROW
_CARD_TEXT: Final = 104
_SECTION: Final = 62
_FOOTER: Final = 84
_MOST_CARDS: Final = 12
"""More than this makes a picture that nobody reads; the page shows all."""

_INK: Final = (28, 37, 48)
_SOFT: Final = (93, 107, 122)
_LINE: Final = (223, 229, 234)
_PAPER: Final = (245, 247, 249)
_WHITE: Final = (255, 255, 255)
_BAND: Final = (22, 39, 58)
_BAND_SOFT: Final = (185, 198, 212)
_GOOD: Final = (29, 122, 85)
_BAD: Final = (179, 55, 47)
_ACCENT: Final = (36, 80, 122)

Colour = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class _Pen:
    """Draws on one picture."""

    picture: Image.Image
    draw: ImageDraw.ImageDraw

    def text(self, at: tuple[float, float], words: str, size: float, colour: Colour, *, bold: bool = False) -> None:
        self.draw.text(at, words, colour, _font(size), stroke_width=0.45 if bold else 0, anchor="la")

    def right(self, at: tuple[float, float], words: str, size: float, colour: Colour) -> None:
        self.draw.text(at, words, colour, _font(size), stroke_width=0.45, anchor="ra")

    def panel(self, left: float, top: float, width: float, height: float) -> None:
        self.draw.rounded_rectangle((left, top, left + width, top + height), 10, _WHITE, _LINE)

    def photo(self, jpeg: bytes, left: int, top: int, size: tuple[int, int]) -> None:
        with Image.open(io.BytesIO(jpeg)) as opened:
            fitted = ImageOps.fit(opened.convert("RGB"), size, Image.Resampling.LANCZOS)
        # The corners are rounded at four times the size and shrunk, which smooths them.
        mask = Image.new("L", (size[0] * 4, size[1] * 4))
        ImageDraw.Draw(mask).rounded_rectangle((0, 0, size[0] * 4 - 1, size[1] * 4 - 1), 40, 255)
        self.picture.paste(fitted, (left, top), mask.resize(size, Image.Resampling.LANCZOS))

    def badge(self, at: tuple[float, float], words: str, colour: Colour) -> None:
        width = self.draw.textlength(words, _font(12.5)) + 20
        self.draw.rounded_rectangle((at[0], at[1], at[0] + width, at[1] + 21), 10, colour)
        self.draw.text((at[0] + width / 2, at[1] + 10.5), words, _WHITE, _font(12.5), anchor="mm")


def render_png(result: DemoResult) -> bytes:
    """Return the sheet as a PNG, 1200 px wide, with the best dozen sightings."""
    shown = result.sightings[:_MOST_CARDS]
    rows = -(-len(shown) // _CARDS_A_ROW)
    cards = rows * (_CARD_WIDTH + _CARD_TEXT + _GAP) if rows else 36
    notes = _notes(result)
    height = _HEADER + _MARGIN + _REFERENCE[1] + 30 + _SECTION + cards + 30 * len(notes) + _FOOTER
    picture = Image.new("RGB", (_WIDTH, height), _PAPER)
    pen = _Pen(picture, ImageDraw.Draw(picture))
    _header(pen, result)
    _summary(pen, result)
    top = _HEADER + _MARGIN + _REFERENCE[1] + 30
    more = len(result.sightings) - len(shown)
    title = "Sightings, best first" + (f" ({more} more on the page)" if more else "")
    pen.text((_MARGIN, top + 24), title, 19, _INK, bold=True)
    top += _SECTION
    if not shown:
        pen.text((_MARGIN, top), "None.", 16, _SOFT)
    for index, seen in enumerate(shown):
        row, column = divmod(index, _CARDS_A_ROW)
        left = _MARGIN + column * (_CARD_WIDTH + _GAP)
        _card(pen, seen, left, top + row * (_CARD_WIDTH + _CARD_TEXT + _GAP))
    top += cards + 4
    for note in notes:
        pen.text((_MARGIN, top), note, 15, _INK)
        top += 30
    _footer(pen, result, height - _FOOTER + 12)
    encoded = io.BytesIO()
    picture.save(encoded, "PNG", optimize=True)
    return encoded.getvalue()


def _header(pen: _Pen, result: DemoResult) -> None:
    pen.draw.rectangle((0, 0, _WIDTH, _HEADER), _BAND)
    pen.text((_MARGIN, 24), headline(result), 29, _WHITE, bold=True)
    pen.text((_MARGIN, 66), f"Homeward · {result.made_at:%Y-%m-%d %H:%M} UTC", 15, _BAND_SOFT)


def _summary(pen: _Pen, result: DemoResult) -> None:
    top = _HEADER + _MARGIN
    pen.photo(result.reference_jpeg, _MARGIN, top, _REFERENCE)
    pen.text((_MARGIN, top + _REFERENCE[1] + 8), "The photo searched with", 13.5, _SOFT)
    left = _MARGIN + _REFERENCE[0] + 24
    width = (_WIDTH - _MARGIN - left - (_TILES_A_ROW - 1) * _GAP) / _TILES_A_ROW
    for index, tile in enumerate(tiles(result)):
        row, column = divmod(index, _TILES_A_ROW)
        _tile(pen, tile, left + column * (width + _GAP), top + row * (_TILE_HEIGHT + _GAP), width)


def _tile(pen: _Pen, tile: Tile, left: float, top: float, width: float) -> None:
    pen.panel(left, top, width, _TILE_HEIGHT)
    pen.text((left + 18, top + 16), tile.label, 14, _SOFT)
    colour = {True: _GOOD, False: _BAD, None: _INK}[tile.good]
    pen.text((left + 18, top + 36), tile.value, 29, colour, bold=True)
    pen.text((left + 18, top + 77), tile.note, 13.5, _SOFT)


def _card(pen: _Pen, seen: FoundSighting, left: int, top: int) -> None:
    pen.panel(left, top, _CARD_WIDTH, _CARD_WIDTH + _CARD_TEXT)
    pen.photo(seen.picture_jpeg, left + 6, top + 6, (_CARD_WIDTH - 12, _CARD_WIDTH - 12))
    below = top + _CARD_WIDTH + 4
    pen.text((left + 12, below), seen.camera_id, 15.5, _INK, bold=True)
    pen.right((left + _CARD_WIDTH - 12, below), f"{seen.score:.2f}", 15.5, _INK)
    times = f"{seen.first_seen_at:%H:%M:%S} to {seen.last_seen_at:%H:%M:%S}"
    pen.text((left + 12, below + 24), times, 13.5, _SOFT)
    pen.text((left + 12, below + 43), f"face {seen.face_width_px:.0f} px wide", 13.5, _SOFT)
    colour = {Verdict.SUBJECT: _GOOD, None: _ACCENT}.get(seen.verdict, _BAD)
    pen.badge((left + 12, below + 67), verdict_words(seen.verdict), colour)


def _notes(result: DemoResult) -> list[str]:
    notes = [
        f"Missed: {missed.camera_id}, {missed.from_at:%H:%M:%S} to {missed.to_at:%H:%M:%S}, "
        f"face {missed.face_width_px[0]:.0f} to {missed.face_width_px[1]:.0f} px wide"
        for missed in result.missed
    ]
    if result.absent is not None:
        words = absent_words(result.absent.sightings)
        notes.append(f"A second search, for somebody who is in none of the videos: {words}.")
    return notes


def _footer(pen: _Pen, result: DemoResult, top: int) -> None:
    pen.draw.line((_MARGIN, top, _WIDTH - _MARGIN, top), _LINE)
    pen.text((_MARGIN, top + 12), comparison(result), 13.5, _SOFT)
    promise = "A sighting is a question to two reviewers, not an answer. No template of anybody else was kept."
    pen.text((_MARGIN, top + 34), promise, 13.5, _SOFT)


def _font(size: float) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)
