"""The name under which retention publishes."""

from typing import Final

SOURCE: Final = "homeward/retention"
