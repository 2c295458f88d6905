"""The Merkle tree of RFC 6962 and RFC 9162: hashes of what is appended, and proofs that nothing else was done. Pure.

A perfect subtree is named by `level` and `index`: it holds the leaves from `index << level`, `1 << level` of them.
"""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Self

HASH_BYTES: Final = 32

EMPTY_ROOT: Final = hashlib.sha256(b"").digest()
"""The root of a tree without a leaf."""

Perfect = Callable[[int, int], bytes]
"""Returns the hash of the perfect subtree with a level and an index."""


def leaf_hash(record: bytes) -> bytes:
    """Return the hash of a leaf; its prefix differs from a node's, so that none passes for the other."""
    return hashlib.sha256(b"\x00" + record).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of a node with two children."""
    return hashlib.sha256(b"\x01" + left + right).digest()


@dataclass(frozen=True, slots=True)
class Node:
    """A perfect subtree and its hash."""

    level: int
    index: int
    digest: bytes


@dataclass(frozen=True, slots=True)
class Frontier:
    """All of a tree that is needed to append to it: the perfect subtrees of its `size` leaves, widest first."""

    size: int = 0
    peaks: tuple[bytes, ...] = ()

    def __post_init__(self) -> None:
        if self.size < 0 or len(self.peaks) != self.size.bit_count():
            raise ValueError("a tree has one perfect subtree for each bit of its size")

    def grown(self, leaf: bytes) -> tuple[Self, tuple[Node, ...]]:
        """Return the tree with one more leaf, by its hash, and the perfect subtrees that it completes, leaf first."""
        peaks, digest, level = list(self.peaks), leaf, 0
        nodes = [Node(0, self.size, leaf)]
        while self.size >> level & 1:
            digest = node_hash(peaks.pop(), digest)
            level += 1
            nodes.append(Node(level, self.size >> level, digest))
        return type(self)(self.size + 1, (*peaks, digest)), tuple(nodes)

    @property
    def root(self) -> bytes:
        """The root of the tree."""
        if not self.peaks:
            return EMPTY_ROOT
        digest = self.peaks[-1]
        for peak in reversed(self.peaks[:-1]):
            digest = node_hash(peak, digest)
        return digest


def grow(frontier: Frontier, leaves: Iterable[bytes]) -> Frontier:
    """Return `frontier` with all of `leaves`, by their hashes."""
    for leaf in leaves:
        frontier, _ = frontier.grown(leaf)
    return frontier


def root_of(leaves: Iterable[bytes]) -> bytes:
    """Return the root of the tree over `leaves`, by their hashes."""
    return grow(Frontier(), leaves).root


def range_hash(first: int, end: int, perfect: Perfect) -> bytes:
    """Return the hash over the leaves from `first` until `end`, a range at which RFC 9162 splits a tree."""
    width = end - first
    if width & (width - 1) == 0:
        level = width.bit_length() - 1
        return perfect(level, first >> level)
    middle = first + _split(width)
    return node_hash(range_hash(first, middle, perfect), range_hash(middle, end, perfect))


def inclusion_path(index: int, size: int, perfect: Perfect) -> list[bytes]:
    """Return the proof that leaf `index` stands in the tree of `size` leaves; raise ValueError when it does not."""
    if not 0 <= index < size:
        raise ValueError(f"there is no leaf {index} among {size}")
    path: list[bytes] = []
    first, end = 0, size
    while end - first > 1:
        middle = first + _split(end - first)
        if index < middle:
            path.append(range_hash(middle, end, perfect))
            end = middle
        else:
            path.append(range_hash(first, middle, perfect))
            first = middle
    return path[::-1]


def consistency_path(old: int, size: int, perfect: Perfect) -> list[bytes]:
    """Return the proof that the tree of `old` leaves is the beginning of that of `size`.

    Raises ValueError unless 0 < `old` <= `size`.
    """
    if not 0 < old <= size:
        raise ValueError(f"a tree of {old} leaves is no beginning of one of {size}")
    path: list[bytes] = []
    first, end = 0, size
    while old != end:
        middle = first + _split(end - first)
        if old <= middle:
            path.append(range_hash(middle, end, perfect))
            end = middle
        else:
            path.append(range_hash(first, middle, perfect))
            first = middle
    # The old tree's own root need not be told when it is a perfect subtree that begins with the first leaf.
    if first:
        path.append(range_hash(first, end, perfect))
    return path[::-1]


def includes(leaf: bytes, index: int, size: int, path: Sequence[bytes], root: bytes) -> bool:
    """Return whether `path` proves the leaf, by its hash, at `index` under `root` (RFC 9162, 2.1.3.2)."""
    if not 0 <= index < size:
        return False
    at, last, digest = index, size - 1, leaf
    for sibling in path:
        if last == 0:
            return False
        if at & 1 or at == last:
            digest = node_hash(sibling, digest)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            digest = node_hash(digest, sibling)
        at, last = at >> 1, last >> 1
    return last == 0 and digest == root


def consistent(old: int, old_root: bytes, size: int, root: bytes, path: Sequence[bytes]) -> bool:
    """Return whether `path` proves that the tree with `old_root` is the beginning of that with `root` (2.1.4.2)."""
    if not 0 < old <= size:
        return False
    if old == size:
        return not path and old_root == root
    if not path:
        return False
    told = [old_root, *path] if old & (old - 1) == 0 else list(path)
    at, last = old - 1, size - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    old_digest = digest = told[0]
    for sibling in told[1:]:
        if last == 0:
            return False
        if at & 1 or at == last:
            old_digest, digest = node_hash(sibling, old_digest), node_hash(sibling, digest)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            digest = node_hash(digest, sibling)
        at, last = at >> 1, last >> 1
    return last == 0 and old_digest == old_root and digest == root


def _split(width: int) -> int:
    """Return the largest power of two below `width`, which is 2 at least."""
    return 1 << ((width - 1).bit_length() - 1)
