"""The Merkle tree of the log, read from SQL."""

from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from homeward.access.audit.tables import AuditLine, AuditNode, AuditTree
from homeward.shared.audit_log.line import NO_LINE
from homeward.shared.audit_log.merkle import (
    EMPTY_ROOT,
    HASH_BYTES,
    Frontier,
    Node,
    consistency_path,
    inclusion_path,
    range_hash,
    root_of,
)

STEP: Final = 8
"""Every eighth level is stored: a tree of a million lines needs 4,000 hashes beside the lines' own."""

_TILE: Final = 1 << STEP
_KEPT_TILES: Final = 64
_TREE: Final = "log"


def frontier_of(session: Session, *, locked: bool = False) -> tuple[Frontier, bytes]:
    """Return the tree as it stands and the last line's hash; `locked` keeps others from growing it meanwhile."""
    row = session.get(AuditTree, _TREE, with_for_update=locked)
    if row is None:
        return Frontier(), NO_LINE
    peaks = tuple(row.peaks[at : at + HASH_BYTES] for at in range(0, len(row.peaks), HASH_BYTES))
    return Frontier(row.size, peaks), row.last


def keep_frontier(session: Session, frontier: Frontier, nodes: tuple[Node, ...]) -> None:
    """Store the tree as it has grown by one line, and the perfect subtrees that this has completed."""
    row = session.get(AuditTree, _TREE)
    if row is None:
        row = AuditTree(name=_TREE, size=0, peaks=b"", last=NO_LINE)
        session.add(row)
    row.size, row.peaks, row.last = frontier.size, b"".join(frontier.peaks), nodes[0].digest
    session.add_all(
        AuditNode(level=node.level, place=node.index, digest=node.digest)
        for node in nodes
        if node.level and node.level % STEP == 0
    )


class StoredTree:
    """The tree as of `session`'s transaction. What was read once is kept: use one for several proofs."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._tiles: dict[tuple[int, int], list[bytes]] = {}

    def root(self, size: int) -> bytes:
        """Return the root over the first `size` lines, of which there must be so many."""
        return range_hash(0, size, self._perfect) if size else EMPTY_ROOT

    def inclusion(self, index: int, size: int) -> list[bytes]:
        """Return the proof that line `index` stands among the first `size`."""
        return inclusion_path(index, size, self._perfect)

    def consistency(self, old: int, size: int) -> list[bytes]:
        """Return the proof that the first `old` lines are the beginning of the first `size`."""
        return consistency_path(old, size, self._perfect)

    def _perfect(self, level: int, index: int) -> bytes:
        above = level % STEP
        first = index << above
        offset = first % _TILE
        hashes = self._tile(level - above, first // _TILE)[offset : offset + (1 << above)]
        if len(hashes) != 1 << above:
            raise LookupError(f"the log has no subtree {index} of level {level}")
        return root_of(hashes)

    def _tile(self, level: int, tile: int) -> list[bytes]:
        if (level, tile) not in self._tiles:
            if len(self._tiles) >= _KEPT_TILES:
                # A copy is read in order: what was read first is not asked for again.
                self._tiles.pop(next(iter(self._tiles)))
            self._tiles[level, tile] = self._read(level, tile * _TILE)
        return self._tiles[level, tile]

    def _read(self, level: int, first: int) -> list[bytes]:
        end = first + _TILE
        if level == 0:
            lines = select(AuditLine.digest).where(AuditLine.number >= first, AuditLine.number < end)
            return list(self._session.scalars(lines.order_by(AuditLine.number)))
        nodes = select(AuditNode.digest).where(
            AuditNode.level == level, AuditNode.place >= first, AuditNode.place < end
        )
        return list(self._session.scalars(nodes.order_by(AuditNode.place)))
