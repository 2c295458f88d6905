"""Every table of the service: whoever makes or compares the schema imports it from here, and so misses none."""

from typing import Final

from sqlalchemy import MetaData

import homeward.access.audit.tables
import homeward.access.cases.tables
import homeward.access.footage.tables
import homeward.access.keys.tables
import homeward.access.outbox.tables
import homeward.access.people.tables
import homeward.access.review.tables  # noqa: F401 - each module adds its tables to the metadata
from homeward.access.database.base import Base

SCHEMA: Final[MetaData] = Base.metadata
