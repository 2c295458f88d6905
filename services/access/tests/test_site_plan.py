from pathlib import Path

import pytest

from homeward.access.footage.plan import PlanError, SitePlan

PNG = b"\x89PNG\r\n\x1a\n and the rest"


def write(folder: Path, text: str, picture: bytes = PNG) -> Path:
    (folder / "plan.png").write_bytes(picture)
    (folder / "plan.toml").write_text(text)
    return folder / "plan.toml"


def test_a_plan_has_a_picture_and_places(tmp_path: Path) -> None:
    plan = SitePlan.load(write(tmp_path, 'picture = "plan.png"\n[cameras]\nnorth-gate = [0.25, 1]\n'))
    assert plan.media_type == "image/png"
    assert plan.places == {"north-gate": (0.25, 1.0)}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("picture = ", "not TOML"),
        ('picture = "plan.png"', "cameras"),
        ('picture = "plan.png"\n[cameras]\nnorth-gate = [0.25, 1.5]', "cameras.north-gate"),
        ('picture = "plan.png"\n[cameras]\n"North Gate" = [0.25, 0.5]', "North Gate"),
        ('picture = "../plan.png"\n[cameras]', "without a folder"),
        ('picture = "other.png"\n[cameras]', "cannot be read"),
        ('picture = "plan.png"\ncolour = "red"\n[cameras]', "colour"),
    ],
)
def test_what_is_wrong_is_told_with_what_to_do(tmp_path: Path, text: str, reason: str) -> None:
    with pytest.raises(PlanError, match=reason):
        SitePlan.load(write(tmp_path, text))


def test_an_svg_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, 'picture = "plan.png"\n[cameras]', b"<svg onload='x()'/>")
    with pytest.raises(PlanError, match="PNG or JPEG"):
        SitePlan.load(path)


def test_a_file_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(PlanError, match=r"plan.toml cannot be read"):
        SitePlan.load(tmp_path / "plan.toml")
