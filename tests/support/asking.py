"""Asking for somebody missing in a recorded world, without anybody agreeing."""

from collections.abc import Sequence
from datetime import UTC, datetime

from homeward.cli.access_api import AccessApi, Upload
from support.world import World


def ask(api: AccessApi, world: World, photos: Sequence[bytes]) -> str:
    """Ask for a search of every camera for whom `photos` show; return the request's id."""
    asked = {
        "purpose": "missing_person",
        "case_reference": "A-17",
        "reason": "A child who did not come home from school.",
        "camera_ids": sorted(world.scene.videos),
        "starts_at": world.starts_at.isoformat(),
        "relation": "parent",
        "basis": "best_interest",
        "basis_note": "A child of nine",
        "last_seen_at": world.starts_at.isoformat(),
        "last_seen_place": "At the north gate",
        "risk": "high",
    }
    uploads = [Upload(photo, "the family's album", datetime.now(UTC).date().isoformat()) for photo in photos]
    return str(api.ask(asked, uploads)["request_id"])
