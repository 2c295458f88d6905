"""How much one authorisation may open, at most.

The ceilings stand in code and no setting raises them, so that a pile of "missing" people can never become a watch list.
"""

from datetime import timedelta
from typing import Final

from homeward.shared.topics import FOOTAGE_RETENTION

LIVE_SEARCHES_DEFAULT: Final = 20
"""Face searches open at once, unless an operator says otherwise: more than any one site has had missing in one day."""

LIVE_SEARCHES_MAX: Final = 100
"""Face searches open at once, at the very most; an operator's own limit lies between 1 and this."""

LIFETIME_MAX: Final = timedelta(hours=72)
"""From the signature to the end: most of the missing are found within it, and a renewal needs a new approval."""

URGENT_MAX: Final = timedelta(hours=24)
"""How long one signature alone may ever carry a search: within a day a second person can be found anywhere."""

URGENT_DEFAULT: Final = timedelta(hours=1)
"""How long one signature carries a search unless less or more is asked: a duty supervisor answers within the hour."""

PHOTOS_MAX: Final = 5
"""Reference photos of the one subject: more views add little, and a pile of photos is a gallery."""

CAMERAS_MAX: Final = 500
"""Cameras of one authorisation: a quarter of the 2,000 that one installation is built for, so that no single decision
opens a whole city. It also keeps a token of the longest camera ids under `TOKEN_MAX_BYTES`."""

WINDOW_MAX: Final = FOOTAGE_RETENTION + LIFETIME_MAX
"""The span of footage time: everything that can still be stored when the token is signed, and everything live until
it ends."""

TOKEN_MAX_BYTES: Final = 64 * 1024
"""Length of a token. 500 camera ids of 63 characters are 44 kB in base64; longer texts are refused unread."""

CLOCK_SKEW_MAX: Final = timedelta(seconds=30)
"""How far the signer's clock may run ahead of the verifier's. It only lets a token begin early, never end late."""
