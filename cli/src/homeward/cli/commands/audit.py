"""homeward audit: whether a copy of the audit log is the log that was written."""

from pathlib import Path
from typing import Annotated, Final

import typer
from rich.markup import escape

from homeward.cli.console import console, errors, fail
from homeward.shared.audit_log.checkpoint import Anchor, MalformedCheckpointError
from homeward.shared.audit_log.copy import Copy, read_copy
from homeward.shared.audit_log.verification import Verdict
from homeward.shared.audit_log.verification import verify as verify_copy
from homeward.shared.authorisation import KeyFileError, KeySet

app = typer.Typer(no_args_is_help=True, help="Judge a copy of the audit log, without a network and without trust.")

_SHOWN: Final = 20
"""Findings in words; a log that was rewritten from its middle has one for each record after that."""


@app.callback()
def audit() -> None:
    """Judge a copy of the audit log, without a network and without trust."""


@app.command()
def verify(
    file: Annotated[Path, typer.Argument(help="The copy, as the auditor's page or the API exports it.")],
    checkpoints: Annotated[
        Path | None,
        typer.Option(help="A folder with a copy of the bucket `audit`: names the very records that differ."),
    ] = None,
    keys: Annotated[
        Path | None,
        typer.Option(help="JWKS file with the public keys that sign checkpoints; without it no signature is checked."),
    ] = None,
) -> None:
    """Tell whether a record was changed, removed, inserted or reordered since it was signed, and which.

    A copy that was cut short together with its checkpoint is found by the bucket's checkpoints alone. Ends with status
    1 when anything is wrong.
    """
    copy = _copy(file)
    anchors = [] if checkpoints is None else _anchors(checkpoints)
    try:
        known = None if keys is None else KeySet.from_jwks_file(keys)
    except KeyFileError as error:
        fail(str(error))
    verdict = verify_copy(copy, anchors, known)
    for finding in verdict.findings[:_SHOWN]:
        errors.print(f"[bold red]{finding.fault.value}:[/] {escape(finding.what)}", highlight=False)
    if len(verdict.findings) > _SHOWN:
        errors.print(f"and {len(verdict.findings) - _SHOWN} more", highlight=False)
    if not verdict.good:
        raise typer.Exit(1)
    _praise(verdict, selection=bool(copy.proofs), signed=known is not None, bucket=bool(anchors))


def _praise(verdict: Verdict, *, selection: bool, signed: bool, bucket: bool) -> None:
    if selection:
        console.print(f"{verdict.records} records, each proven to stand unchanged in the log that was signed")
        console.print("a selection proves nothing of the records that it leaves out")
        return
    console.print(f"{verdict.records} records: none changed, removed, inserted or reordered")
    if not signed:
        console.print("[yellow]no signature was checked: whoever made the copy may have made it all; give --keys[/]")
    else:
        console.print(f"{verdict.checkpoints} signed checkpoints vouch for {verdict.vouched} of them")
        if not bucket:
            console.print("[yellow]that nothing was cut off at the end, the bucket alone can tell: --checkpoints[/]")


def _copy(file: Path) -> Copy:
    try:
        with file.open("rb") as lines:
            return read_copy(lines)
    except OSError as error:
        fail(f"{file} cannot be read: {error.strerror}")


def _anchors(folder: Path) -> list[Anchor]:
    anchors: list[Anchor] = []
    for path in sorted(folder.rglob("*.json")):
        try:
            anchors.append(Anchor.from_json(path.read_bytes()))
        except OSError as error:
            fail(f"{path} cannot be read: {error.strerror}")
        except MalformedCheckpointError as error:
            fail(f"{path}: {error}")
    if not anchors:
        fail(f"{folder} holds no checkpoint")
    return anchors
