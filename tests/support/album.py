"""Pictures of pages for the documents, taken while tests walk through them where somebody asks for it."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

import cv2
import numpy as np
from playwright.sync_api import Page

VARIABLE: Final = "HOMEWARD_SCREENSHOTS"
"""The folder that pictures go to; none are taken where it is not set."""

_TALLEST_PX: Final = 1100

_VEIL: Final = "(all, filter) => all.forEach(one => Object.assign(one.style, {filter, clipPath: 'inset(0)'}))"


@dataclass(frozen=True, slots=True)
class Album:
    """Keeps pictures in `folder`, or nowhere."""

    folder: Path | None

    @classmethod
    def of_environment(cls) -> Self:
        """Return the album of the folder that the environment names."""
        named = os.environ.get(VARIABLE)
        return cls(Path(named) if named else None)

    def keep(self, name: str, page: Page, *, blurred: str = "", hidden: str = "") -> None:
        """Keep a picture of the whole page; what `blurred` and `hidden` select is not to be recognised on it."""
        if self.folder is None:
            return
        page.wait_for_load_state("networkidle")
        for selector, style in ((blurred, "grayscale(1) blur(12px)"), (hidden, "blur(7px)")):
            if selector:
                page.locator(selector).evaluate_all(_VEIL, style)
        height = min(int(page.evaluate("document.documentElement.scrollHeight")), _TALLEST_PX)
        before = page.viewport_size
        page.set_viewport_size({"width": 1280, "height": max(height, 720)})
        # The browser packs for speed, and a repository keeps its pictures for ever.
        taken = cv2.imdecode(np.frombuffer(page.screenshot(), np.uint8), cv2.IMREAD_COLOR)
        assert taken is not None
        cv2.imwrite(str(self.folder / f"{name}.png"), taken, [cv2.IMWRITE_PNG_COMPRESSION, 9])
        if before is not None:
            page.set_viewport_size(before)
