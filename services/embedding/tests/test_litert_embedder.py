from pathlib import Path

import pytest

from homeward.embedding.adapters.litert_embedder import LiteRtEmbedder
from homeward.embedding.answers import EmbedderModel, EngineError


def test_a_delegate_that_does_not_load_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match=r"nowhere\.so does not load"):
        LiteRtEmbedder(b"", EmbedderModel("mobilefacenet", "0" * 64), tmp_path / "nowhere.so")
