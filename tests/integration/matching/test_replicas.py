"""Two replicas share a search."""

from datetime import timedelta
from pathlib import Path

from support.replicas import CAMERAS, FACES_A_CLIP, searched

CLIPS = 16


def test_two_replicas_share_a_search_evenly(tmp_path: Path) -> None:
    run = searched(tmp_path, 2, clips=CLIPS, embeds_in=timedelta(milliseconds=10))
    assert sum(run.faces) == CAMERAS * CLIPS * FACES_A_CLIP
    # Tasks lie where their ids fall among 24 partitions, half of which each replica has.
    assert min(run.faces) >= 0.3 * sum(run.faces)
