import re
from collections.abc import Mapping

import pytest

from support.catalogues import said, translated

_PLACEHOLDER = re.compile(r"%\(\w+\)s|\{\w+\}")


@pytest.fixture(scope="module")
def texts() -> Mapping[str, str]:
    return said()


def test_every_text_is_translated(texts: Mapping[str, str]) -> None:
    known = translated("zh-Hant")
    missing = [f'# {place}\nmsgid "{text}"\nmsgstr ""\n' for text, place in texts.items() if text not in known]
    assert not missing, "\n".join(["add these to the room's catalogue:", *missing])


def test_no_translation_is_empty_or_unsure() -> None:
    for text, (name, message) in translated("zh-Hant").items():
        assert message.string, f"{name}: {text}"
        assert not message.fuzzy, f"{name}: {text}"


def test_nothing_is_translated_that_nobody_says(texts: Mapping[str, str]) -> None:
    assert sorted(set(translated("zh-Hant")) - set(texts)) == []


def test_a_translation_names_the_same_figures() -> None:
    for text, (name, message) in translated("zh-Hant").items():
        assert isinstance(message.string, str)
        assert sorted(_PLACEHOLDER.findall(message.string)) == sorted(_PLACEHOLDER.findall(text)), f"{name}: {text}"


@pytest.mark.parametrize("sign", ["<", ">", "&", '"'])
def test_no_text_holds_a_sign_of_html(sign: str) -> None:
    # Jinja's texts are markup and written as they are, into attributes too.
    for text, (_, message) in translated("zh-Hant").items():
        assert sign not in text
        assert sign not in str(message.string)


def test_texts_are_found_in_templates_and_modules(texts: Mapping[str, str]) -> None:
    assert texts["Skip to the content"].startswith("web/templates/layout.html")
    assert texts["Audit log"].startswith("web/console/navigation.py")
