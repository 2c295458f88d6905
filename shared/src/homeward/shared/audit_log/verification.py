"""Whether a copy of the audit log is what the service signed, and which of its lines are not. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from homeward.shared.audit_log.alignment import Alignment, align
from homeward.shared.audit_log.checkpoint import Anchor, SignedCheckpoint
from homeward.shared.audit_log.copy import Copy
from homeward.shared.audit_log.line import NO_LINE, Line
from homeward.shared.audit_log.merkle import Frontier, grow, includes
from homeward.shared.authorisation.keys import KeySet


class Fault(StrEnum):
    """What is wrong."""

    CHANGED = "changed"
    REMOVED = "removed"
    INSERTED = "inserted"
    REORDERED = "reordered"
    TRUNCATED = "truncated"
    UNPROVEN = "unproven"
    FORGED_CHECKPOINT = "forged checkpoint"
    FORKED = "forked"


@dataclass(frozen=True, slots=True)
class Finding:
    """One fault: records `first` to `last` of the log, counted from 0; `what` says it in words."""

    fault: Fault
    first: int
    last: int
    what: str


@dataclass(slots=True)
class Verdict:
    """What a verification came to.

    `records` is how many lines the copy holds, `vouched` how many of them the checkpoints vouch for: a signature is
    what an outsider can rely on, and what comes after the last checkpoint is only chained.
    """

    records: int
    vouched: int = 0
    checkpoints: int = 0
    findings: list[Finding] = field(default_factory=list)

    @property
    def good(self) -> bool:
        """Whether nothing is wrong."""
        return not self.findings


def verify(copy: Copy, anchors: Iterable[Anchor] = (), keys: KeySet | None = None) -> Verdict:
    """Verify a copy against its own chain, its checkpoint and those of the bucket, `anchors`.

    Without `keys` no signature can be checked, and so no checkpoint vouches for anything.
    """
    verdict = Verdict(len(copy.lines))
    if keys is None:
        if copy.proofs:
            verdict.findings.append(Finding(Fault.UNPROVEN, 0, 0, "a selection is proven by signatures: give the keys"))
        else:
            _verify_whole(copy, [], {}, verdict)
        return verdict
    known = sorted(anchors, key=lambda anchor: anchor.signed.checkpoint.size)
    signed = _signed([*(anchor.signed for anchor in known), *copy.checkpoints], keys, verdict)
    if copy.proofs:
        _verify_selection(copy, signed, verdict)
    else:
        trusted = [anchor for anchor in known if anchor.signed.signed_by(keys)]
        _verify_whole(copy, _leaves(trusted, verdict), signed, verdict)
    return verdict


def _signed(told: Sequence[SignedCheckpoint], keys: KeySet, verdict: Verdict) -> dict[int, bytes]:
    """Return the root that is signed for each size."""
    roots: dict[int, bytes] = {}
    for one in told:
        size, root = one.checkpoint.size, one.checkpoint.root
        if not one.signed_by(keys):
            what = f"the checkpoint of {size} records is not signed by a known key"
            verdict.findings.append(Finding(Fault.FORGED_CHECKPOINT, size, size, what))
        elif roots.setdefault(size, root) != root:
            what = f"two signed checkpoints of {size} records differ: the service showed two logs"
            verdict.findings.append(Finding(Fault.FORKED, size, size, what))
        else:
            verdict.checkpoints += 1
    return roots


def _leaves(anchors: Sequence[Anchor], verdict: Verdict) -> list[bytes]:
    """Return the hashes of the first lines, as far as signed roots vouch for all of them."""
    leaves: list[bytes] = []
    frontier = Frontier()
    for anchor in anchors:
        size = anchor.signed.checkpoint.size
        if anchor.first > frontier.size:
            # A checkpoint between is missing from the folder: its root still counts, its hashes cannot.
            break
        fresh = anchor.leaves[frontier.size - anchor.first :]
        grown = grow(frontier, fresh)
        if grown.root != anchor.signed.checkpoint.root:
            what = f"the hashes beside the checkpoint of {size} records do not give its root"
            verdict.findings.append(Finding(Fault.FORGED_CHECKPOINT, anchor.first, size, what))
            break
        leaves.extend(fresh)
        frontier = grown
    return leaves


def _verify_whole(copy: Copy, leaves: Sequence[bytes], roots: Mapping[int, bytes], verdict: Verdict) -> None:
    lines = [line for _, line in copy.lines]
    places = _places(lines, leaves)
    told = max([place for place in places if place is not None], default=-1) + 1
    expected = max([told, len(leaves), *roots])
    found = align(places, expected)
    ordered = {at: line for at, line in zip(places, lines, strict=True) if at is not None and line is not None}
    faults = list(_of_alignment(found, copy, expected))
    faults += [
        Finding(Fault.CHANGED, index, index, f"record {index} is not the one that was written")
        for index in _unchained(ordered, len(leaves))
    ]
    if not faults:
        faults += _unrooted([ordered[place] for place in range(len(lines))], roots, verdict)
    verdict.findings.extend(sorted(faults, key=lambda finding: (finding.first, finding.last)))


def _places(lines: Sequence[Line | None], leaves: Sequence[bytes]) -> list[int | None]:
    """Return where each line belongs: by its hash as far as that is vouched for, and by its own word after that."""
    known = {leaf: place for place, leaf in enumerate(leaves)}
    readable = [(at, line) for at, line in enumerate(lines) if line is not None]
    followed = {line.previous for _, line in readable}
    taken: set[int] = set()
    places: list[int | None] = [None] * len(lines)
    # Of two lines that claim one place, it is that of the line on which another was built.
    for at, line in sorted(readable, key=lambda one: one[1].digest not in followed):
        place = known.get(line.digest, line.index if line.index >= len(leaves) else None)
        if place is not None and place not in taken:
            taken.add(place)
            places[at] = place
    return places


def _of_alignment(found: Alignment, copy: Copy, expected: int) -> Iterator[Finding]:
    for index in found.changed:
        yield Finding(Fault.CHANGED, index, index, f"record {index} is not the one that was written")
    for gap in found.removed:
        if gap.stop == expected:
            what = f"the copy ends before record {gap.start}, and a checkpoint vouches for {expected} records"
            yield Finding(Fault.TRUNCATED, gap.start, gap.stop - 1, what)
        else:
            what = (
                f"record {gap.start} is missing" if len(gap) == 1 else f"records {gap.start} to {gap[-1]} are missing"
            )
            yield Finding(Fault.REMOVED, gap.start, gap.stop - 1, what)
    for index in found.moved:
        yield Finding(Fault.REORDERED, index, index, f"record {index} stands in another place")
    for at, before in found.inserted:
        number, _ = copy.lines[at]
        what = f"line {number} of the file, after record {before}, was never written"
        yield Finding(Fault.INSERTED, before + 1, before + 1, what)


def _unchained(ordered: Mapping[int, Line], vouched: int) -> Iterator[int]:
    """Yield the records that are not those on which the next ones were built, from the first not vouched for on."""
    first = ordered.get(0)
    if vouched == 0 and first is not None and first.previous != NO_LINE:
        yield 0
    for index in sorted(ordered):
        following = ordered.get(index + 1)
        if index + 1 >= vouched and following is not None and following.previous != ordered[index].digest:
            # A record whose hash is vouched for is not the one that was changed.
            yield index if index >= vouched else index + 1


def _unrooted(lines: Sequence[Line], roots: Mapping[int, bytes], verdict: Verdict) -> Iterator[Finding]:
    """Yield the first stretch between two checkpoints for which the copy gives another root than was signed."""
    frontier = Frontier()
    for size in sorted(roots):
        grown = grow(frontier, (line.digest for line in lines[frontier.size : size]))
        if grown.root != roots[size]:
            what = f"one or more of records {frontier.size} to {size - 1} are not those that were signed"
            yield Finding(Fault.CHANGED, frontier.size, size - 1, what)
            return
        frontier = grown
        verdict.vouched = size
    if roots and verdict.vouched < len(lines):
        what = f"no checkpoint vouches for record {verdict.vouched} and those after it"
        yield Finding(Fault.UNPROVEN, verdict.vouched, len(lines) - 1, what)


def _verify_selection(copy: Copy, roots: Mapping[int, bytes], verdict: Verdict) -> None:
    for at, (number, line) in enumerate(copy.lines):
        proof = copy.proofs.get(at)
        if line is None:
            what = f"line {number} of the file is no line of a log"
            verdict.findings.append(Finding(Fault.CHANGED, number, number, what))
            continue
        root = None if proof is None else roots.get(proof.size)
        if proof is None or root is None or proof.index != line.index:
            what = f"record {line.index} comes without a proof that leads to a signed checkpoint"
            verdict.findings.append(Finding(Fault.UNPROVEN, line.index, line.index, what))
        elif not includes(line.digest, proof.index, proof.size, proof.path, root):
            what = f"record {line.index} is not the one that was written"
            verdict.findings.append(Finding(Fault.CHANGED, line.index, line.index, what))
        else:
            verdict.vouched += 1
