"""What can be told of the rows alone: looked at once, then kept in the working folder."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from seqblend.core.config import digest
from seqblend.core.provenance import code_digest
from seqblend.core.storage import read_json, write_json
from seqblend.data.duplicates import check_exact, check_near
from seqblend.data.families import check_families
from seqblend.diagnosis.leaks import check_leaks
from seqblend.diagnosis.record import to_plain
from seqblend.diagnosis.shift import check_adversarial, check_unseen
from seqblend.evaluation.check import Check
from seqblend.running.project import Project

RowCheck = Callable[[Project], list[Check]]

ROW_CHECKS: dict[str, tuple[str, RowCheck]] = {
    "exact": ("exact duplicates", lambda p: [check_exact(p.competition, p.fold)]),
    "leaks": ("labels read from ids, order or length", lambda p: check_leaks(p.competition)),
    "unseen": ("tokens never seen in training", lambda p: [check_unseen(p.competition)]),
    "shift": ("test rows against training rows", lambda p: [check_adversarial(p.competition)]),
    "families": ("rows that share rare tokens", lambda p: [_check_families(p)]),
    "near": ("near duplicates", lambda p: [check_near(p.competition, p.fold)]),
}  # quick ones first
A_MILLION = 1.0  # seconds that the dearest look takes for a million tokens, on one core


def check_rows(
    project: Project, tell: Callable[[str], None], deadline: float | None = None
) -> list[Check]:
    """Every check of the rows; those of an earlier session on the same rows and folds are read.

    tell: what is looked at, and what there is no time for
    deadline: time.monotonic() by which the last look has to be over
    """
    checks, skipped = [], []
    tokens = project.competition.view.sequences.lengths.sum()
    for name, (what, look) in ROW_CHECKS.items():
        path = project.workspace.check(f"{name}-{_key(project)}")
        known = _read(path)
        if known is None:
            if deadline is not None and time.monotonic() + A_MILLION * tokens / 1e6 > deadline:
                skipped.append(what)
                continue
            tell(f"looking at the rows: {what}")
            known = to_plain(look(project))
            write_json(path, known)
        checks += [Check(**found) for found in known]
    if skipped:
        tell(f"no time to look at {', '.join(skipped)}: python src/doctor.py does")
    return checks


def _read(path: Path) -> list[dict] | None:
    """What an earlier look found; None where there was none, or its file is damaged."""
    try:
        return read_json(path)
    except (FileNotFoundError, ValueError):
        return None


def _key(project: Project) -> str:
    """8 hex digits of all that a look depends on: rows, folds, what groups them, and the code."""
    fingerprint, code = project.fingerprint, code_digest(("data/", "diagnosis/", "evaluation/"))
    return digest(fingerprint.data, fingerprint.folds, _are_folds_grouped(project), code)[:8]


def _are_folds_grouped(project: Project) -> bool:
    return project.config.folds.groups == "auto" or project.competition.groups is not None


def _check_families(project: Project) -> Check:
    return check_families(project.competition, are_folds_grouped=_are_folds_grouped(project))
