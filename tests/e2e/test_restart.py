"""One machine's Homeward stops and starts again: footage, events and cameras are there, and nothing is done twice."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from typer.testing import CliRunner

from homeward.cli.__main__ import app
from homeward.shared.objectkeys import FOOTAGE_BUCKET
from homeward.shared.topics import CAMERAS, CLIPS, FACES
from support.pipeline import Pipeline, running
from support.video import make_video


def holdings(pipeline: Pipeline) -> tuple[set[str], set[str], set[str], set[str]]:
    """Return the ids of cameras, clips and faces told of, and the keys of the footage."""
    log = pipeline.operator.log
    return (
        set(log.state(CAMERAS)),
        {event.event_id for event in log.snapshot(CLIPS)},
        {event.event_id for event in log.snapshot(FACES)},
        {listed.key for listed in pipeline.operator.store.list(FOOTAGE_BUCKET)},
    )


def test_what_was_recorded_survives_a_restart(tmp_path: Path) -> None:
    video = make_video(tmp_path / "video.mp4", seconds=20, gop=10)
    starts_at = datetime.now(UTC) - timedelta(hours=1)
    folder = tmp_path / "homeward"
    with running(folder, durable=True) as pipeline:
        pipeline.record({"gate": video}, starts_at)
        pipeline.wait_detected({"gate": starts_at + timedelta(seconds=20)})
        before = holdings(pipeline)
    assert len(before[1]) == 5
    assert len(before[3]) == 5
    with running(folder, durable=True) as pipeline:
        # Time enough for a recorder that had forgotten to import the file once more.
        pipeline.stack.clock.sleep(5)
        assert holdings(pipeline) == before
        told = CliRunner().invoke(app, ["status", "--data", str(folder)])
        assert told.exit_code == 0, told.output
        assert "clips stored" in told.output
        listed = CliRunner().invoke(app, ["cameras", "list", "--data", str(folder)])
        assert "gate" in listed.output


def test_a_command_without_a_running_homeward_says_what_to_do(tmp_path: Path) -> None:
    told = CliRunner().invoke(app, ["status", "--data", str(tmp_path)])
    assert told.exit_code == 1
    assert "homeward up" in told.output
