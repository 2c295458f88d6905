import hashlib
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeward.shared.audit_log import merkle
from homeward.shared.audit_log.merkle import Frontier, Perfect, consistent, includes, leaf_hash, root_of

# The inputs and roots of the reference implementation of RFC 6962 (certificate-transparency, merkle_tree_test).
RECORDS = tuple(
    bytes.fromhex(text)
    for text in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
)
ROOTS = (
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
)

leaves = st.lists(st.binary(max_size=3), min_size=1, max_size=70).map(lambda records: [leaf_hash(r) for r in records])


def naive_root(hashes: Sequence[bytes]) -> bytes:
    """The definition of RFC 6962, 2.1, word for word."""
    if len(hashes) == 0:
        return hashlib.sha256(b"").digest()
    if len(hashes) == 1:
        return hashes[0]
    k = 1
    while k * 2 < len(hashes):
        k *= 2
    return hashlib.sha256(b"\x01" + naive_root(hashes[:k]) + naive_root(hashes[k:])).digest()


def naive_path(m: int, hashes: Sequence[bytes]) -> list[bytes]:
    if len(hashes) == 1:
        return []
    k = 1
    while k * 2 < len(hashes):
        k *= 2
    if m < k:
        return [*naive_path(m, hashes[:k]), naive_root(hashes[k:])]
    return [*naive_path(m - k, hashes[k:]), naive_root(hashes[:k])]


def naive_proof(m: int, hashes: Sequence[bytes], *, whole: bool = True) -> list[bytes]:
    if m == len(hashes):
        return [] if whole else [naive_root(hashes)]
    k = 1
    while k * 2 < len(hashes):
        k *= 2
    if m <= k:
        return [*naive_proof(m, hashes[:k], whole=whole), naive_root(hashes[k:])]
    return [*naive_proof(m - k, hashes[k:], whole=False), naive_root(hashes[:k])]


def perfect_of(hashes: Sequence[bytes]) -> Perfect:
    return lambda level, index: naive_root(hashes[index << level : (index + 1) << level])


@pytest.mark.parametrize("size", range(1, 9))
def test_the_roots_are_those_of_the_reference(size: int) -> None:
    assert root_of(leaf_hash(record) for record in RECORDS[:size]).hex() == ROOTS[size - 1]


def test_the_empty_tree_has_the_root_of_the_reference() -> None:
    assert Frontier().root.hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


@pytest.mark.parametrize(
    ("index", "size", "path"),
    [
        (0, 1, []),
        (
            0,
            8,
            [
                "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
                "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
            ],
        ),
        (
            5,
            8,
            [
                "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
                "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
                "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            ],
        ),
        (
            2,
            3,
            ["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"],
        ),
    ],
)
def test_inclusion_is_proven_as_by_the_reference(index: int, size: int, path: list[str]) -> None:
    hashes = [leaf_hash(record) for record in RECORDS[:size]]
    assert [part.hex() for part in merkle.inclusion_path(index, size, perfect_of(hashes))] == path


@pytest.mark.parametrize(
    ("old", "size", "path"),
    [
        (1, 1, []),
        (
            1,
            8,
            [
                "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
                "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
            ],
        ),
        (
            6,
            8,
            [
                "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
                "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
                "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            ],
        ),
        (
            2,
            5,
            [
                "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            ],
        ),
    ],
)
def test_consistency_is_proven_as_by_the_reference(old: int, size: int, path: list[str]) -> None:
    hashes = [leaf_hash(record) for record in RECORDS[:size]]
    assert [part.hex() for part in merkle.consistency_path(old, size, perfect_of(hashes))] == path


@given(leaves)
def test_roots_are_those_of_the_definition(hashes: list[bytes]) -> None:
    assert root_of(hashes) == naive_root(hashes)


@given(leaves)
def test_growing_tells_every_perfect_subtree_once(hashes: list[bytes]) -> None:
    frontier, told = Frontier(), {}
    for leaf in hashes:
        frontier, nodes = frontier.grown(leaf)
        for node in nodes:
            assert (node.level, node.index) not in told
            told[node.level, node.index] = node.digest
    expected = {
        (level, index): perfect_of(hashes)(level, index)
        for level in range(len(hashes).bit_length())
        for index in range(len(hashes) >> level)
    }
    assert told == expected


@given(leaves, st.data())
def test_inclusion_proofs_are_those_of_the_definition_and_hold(hashes: list[bytes], data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(hashes) - 1))
    path = merkle.inclusion_path(index, len(hashes), perfect_of(hashes))
    assert path == naive_path(index, hashes)
    assert includes(hashes[index], index, len(hashes), path, naive_root(hashes))


@given(leaves, st.data())
def test_a_bent_inclusion_proof_does_not_hold(hashes: list[bytes], data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(hashes) - 1))
    size, root = len(hashes), naive_root(hashes)
    path = naive_path(index, hashes)
    assert not includes(leaf_hash(b"another"), index, size, path, root)
    assert not includes(hashes[index], index, size, [*path, root], root)
    assert not includes(hashes[index], index, size, path, leaf_hash(b"another"))
    assert not includes(hashes[index], size, size, path, root)
    if path:
        bent = data.draw(st.integers(0, len(path) - 1))
        assert not includes(hashes[index], index, size, path[:bent] + path[bent + 1 :], root)
        other = [leaf_hash(b"another") if place == bent else part for place, part in enumerate(path)]
        assert not includes(hashes[index], index, size, other, root)


@given(leaves, st.data())
def test_consistency_proofs_are_those_of_the_definition_and_hold(hashes: list[bytes], data: st.DataObject) -> None:
    old = data.draw(st.integers(1, len(hashes)))
    path = merkle.consistency_path(old, len(hashes), perfect_of(hashes))
    assert path == naive_proof(old, hashes)
    assert consistent(old, naive_root(hashes[:old]), len(hashes), naive_root(hashes), path)


@given(leaves, st.data())
def test_a_tree_that_was_rewritten_is_not_consistent(hashes: list[bytes], data: st.DataObject) -> None:
    old = data.draw(st.integers(1, len(hashes)))
    changed = data.draw(st.integers(0, old - 1))
    rewritten = [leaf_hash(b"another") if place == changed else leaf for place, leaf in enumerate(hashes)]
    path = merkle.consistency_path(old, len(hashes), perfect_of(rewritten))
    assert not consistent(old, naive_root(hashes[:old]), len(hashes), naive_root(rewritten), path)


@pytest.mark.parametrize(("index", "size"), [(-1, 3), (3, 3), (0, 0)])
def test_nothing_is_proven_of_a_leaf_that_is_not_there(index: int, size: int) -> None:
    with pytest.raises(ValueError, match="no leaf"):
        merkle.inclusion_path(index, size, perfect_of([]))
    assert not includes(leaf_hash(b""), index, size, [], leaf_hash(b""))


@pytest.mark.parametrize(("old", "size"), [(0, 3), (4, 3)])
def test_nothing_is_proven_of_a_tree_that_is_no_beginning(old: int, size: int) -> None:
    with pytest.raises(ValueError, match="no beginning"):
        merkle.consistency_path(old, size, perfect_of([]))
    assert not consistent(old, Frontier().root, size, Frontier().root, [])


def test_a_frontier_holds_one_peak_for_each_bit() -> None:
    with pytest.raises(ValueError, match="one perfect subtree"):
        Frontier(3, (leaf_hash(b""),))
