"""The code on a receipt that a phone's camera reads."""

from typing import Final

import segno
from markupsafe import Markup

_BORDER: Final = 2
"""Modules of white around it; four are the norm, and the sheet on which it stands is white too."""


def receipt_code(public_url: str, reference: str, secret: str) -> Markup:
    """Return the QR code of a receipt's address, as an SVG element.

    Reference and secret stand behind the `#`: browsers send that part to nobody, so that no log on the way has it.
    """
    made = segno.make(f"{public_url}/receipt#{reference}.{secret}", error="m", micro=False)
    # Made by segno from modules alone: there is nothing in it to escape.
    return Markup(made.svg_inline(border=_BORDER, omitsize=True, svgclass="qr", lineclass="qr-line"))  # noqa: S704
