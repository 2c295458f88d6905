"""What the console's pages share, put together."""

from zoneinfo import ZoneInfo

from homeward.access.footage.cameras import CameraTable
from homeward.access.footage.plan import SitePlan
from homeward.access.settings import AccessSettings
from homeward.access.web.console.assets import Assets
from homeward.access.web.console.camera_book import TableBook
from homeward.access.web.console.pages import Csrf, Pages
from homeward.access.web.console.translations import Languages
from homeward.shared.clock import Clock


class ConsoleRoom:
    """The pages' files, languages, cameras and plan. Raises PlanError and ZoneInfoNotFoundError for wrong settings."""

    def __init__(self, settings: AccessSettings, clock: Clock, csrf: Csrf, cameras: CameraTable) -> None:
        self.assets = Assets()
        self.languages = Languages(settings.web.language)
        self.pages = Pages(self.assets, self.languages, ZoneInfo(settings.web.time_zone), clock, csrf)
        self.cameras = TableBook(cameras)
        self.plan = None if settings.plan_file is None else SitePlan.load(settings.plan_file)
