from importlib import resources

import pytest
from pydantic import ValidationError

from homeward.shared.models.manifest import Manifest, Model, UnknownModelError, load_manifest

ONE = {
    "name": "one",
    "role": "embedder",
    "input": "112x112",
    "licence": "MIT",
    "origin": "nobody",
    "sha256": "0" * 64,
    "file_name": "one.bin",
    "sources": [{"kind": "folder"}],
}


def test_the_shipped_manifest_names_what_the_services_ask_for() -> None:
    manifest = load_manifest()
    assert manifest.needed() == ("blazeface-full-range", "blazeface-short-range", "mobilefacenet", "centerface")
    assert manifest.preferred() == ("yunet",)


def test_every_shipped_model_can_be_brought_by_hand() -> None:
    assert all(model.sources[0].kind == "folder" for model in load_manifest().models)


def test_no_registry_has_its_address_in_the_manifest() -> None:
    text = resources.files("homeward.shared.models").joinpath("manifest.toml").read_text()
    assert [line for line in text.splitlines() if "://" in line and "raw.githubusercontent.com" not in line] == []


def test_an_unknown_name_is_answered_with_the_known_ones() -> None:
    with pytest.raises(UnknownModelError, match="mobilefacenet"):
        load_manifest().model("facenet")


@pytest.mark.parametrize(
    "change",
    [
        {"sha256": "0" * 63},
        {"sha256": "G" * 64},
        {"file_name": "../one.bin"},
        {"file_name": "/one.bin"},
        {"sources": []},
        {"sources": [{"kind": "url", "url": "http://models.example/one"}]},
        {"sources": [{"kind": "ftp"}]},
        {"surprise": 1},
    ],
)
def test_a_model_that_is_not_fully_named_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Model.model_validate(ONE | change)


@pytest.mark.parametrize("same", ["name", "file_name"])
def test_two_models_share_neither_name_nor_file(same: str) -> None:
    other = ONE | {"name": "two", "file_name": "two.bin"} | {same: ONE[same]}
    with pytest.raises(ValidationError, match=f"the same {same}"):
        Manifest.model_validate({"models": [ONE, other]})
