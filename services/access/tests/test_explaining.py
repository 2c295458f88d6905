"""Why something is not done, in the reader's language: every reason of access, with its figures."""

import ast
from collections.abc import Iterator
from typing import Final

import pytest

from homeward.access import errors
from homeward.access.sentence import Sentence
from homeward.access.web.console.explaining import explain
from homeward.access.web.console.translations import Language, Languages
from homeward.shared.authorisation import Rank
from support.catalogues import ACCESS

_ERRORS: Final = {name for name in vars(errors) if name.endswith("Error")}
_FROM_BEYOND: Final = {
    "cases/opening.py": "denial.reason",
    "cases/photos.py": "str(error)",
    "cases/refusals.py": "f'this needs the role of {role.value}'",
    "web/gate.py": "f'this needs the role of {wanted}'",
}
"""Reasons that no catalogue can have; pages say what their code stands for."""


def language(tag: str) -> Language:
    found = Languages().named(tag)
    assert found is not None
    return found


def refusals() -> Iterator[tuple[str, ast.expr]]:
    """Yield every reason that access gives, and the module that gives it; what is named for a sentence is left out."""
    for path in sorted(ACCESS.rglob("*.py")):
        tree = ast.parse(path.read_text())
        sentences = set(named_sentences(tree))
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _ERRORS:
                # One that says itself what it says takes no reason.
                yield from (
                    (str(path.relative_to(ACCESS)), reason)
                    for reason in node.args[1:2]
                    if not (isinstance(reason, ast.Name) and reason.id in sentences)
                )


def named_sentences(tree: ast.Module) -> Iterator[str]:
    """Yield the names in a module that stand for a sentence: those given one, and parameters that take nothing else."""
    for node in ast.walk(tree):
        match node:
            case ast.arg(arg=name, annotation=ast.Name(id="Sentence")):
                yield name
            case (
                ast.Assign(targets=[ast.Name(id=name)], value=ast.Call(func=ast.Name(id="Sentence")))
                | ast.AnnAssign(target=ast.Name(id=name), value=ast.Call(func=ast.Name(id="Sentence")))
            ):
                yield name
            case _:
                pass


def test_every_reason_can_be_translated() -> None:
    found = list(refusals())
    assert len(found) > 50
    for module, reason in found:
        match reason:
            case ast.Constant():
                pass
            case ast.Call(func=ast.Name(id="Sentence"), args=[ast.Constant(), *_]):
                pass
            case _:
                assert ast.unparse(reason) == _FROM_BEYOND.get(module), f"{module}: {ast.unparse(reason)}"


def test_a_reason_keeps_its_figures_in_every_language() -> None:
    reason = Sentence("the window is longer than {hours} hours", {"hours": 72})
    assert explain(language("en"), "window", reason) == "the window is longer than 72 hours"
    assert explain(language("zh-Hant"), "window", reason) == "時間範圍超過 72 小時"


def test_a_rank_is_named_in_the_readers_words() -> None:
    reason = Sentence("so much needs the rank of {rank}; narrow it, or leave it to them", {"rank": Rank.COMMANDER})
    assert "指揮官" in explain(language("zh-Hant"), "rank", reason)
    assert "rank of commander;" in explain(language("en"), "rank", reason)


@pytest.mark.parametrize("code", ["photo", "role", "live_searches"])
def test_a_reason_from_beyond_is_explained_by_its_code(code: str) -> None:
    told = explain(language("zh-Hant"), code, Sentence("something that no catalogue has"))
    assert "something" not in told
    assert explain(language("en"), code, Sentence("something else")) == "something else"


def test_what_nobody_translated_is_told_in_english() -> None:
    assert explain(language("zh-Hant"), "unheard_of", Sentence("it is {n}", {"n": 4})) == "it is 4"
