"""The doctor's checks of the rows alone: run once, then read from the working folder."""

from __future__ import annotations

import time
from collections.abc import Callable

from seqblend.core.config import digest
from seqblend.core.provenance import code_digest
from seqblend.core.storage import read_record, write_record
from seqblend.data.duplicates import check_exact, check_near
from seqblend.data.families import check_families
from seqblend.diagnosis.leaks import check_leaks
from seqblend.diagnosis.record import to_plain
from seqblend.diagnosis.shift import check_adversarial, check_unseen
from seqblend.evaluation.check import Check, check_from
from seqblend.running.project import Project

_SECONDS_PER_MILLION = 1.0  # tokens, on one core: what the slowest check takes at most


ROW_CHECKS: dict[str, tuple[str, Callable[[Project], list[Check]]]] = {  # quick ones first
    "exact": ("exact duplicates", lambda p: [check_exact(p.competition, p.fold)]),
    "leaks": ("targets predicted by ids, order or length", lambda p: check_leaks(p.competition)),
    "unseen": ("tokens not seen in training", lambda p: [check_unseen(p.competition)]),
    "shift": ("train-test shift", lambda p: [check_adversarial(p.competition)]),
    "families": (
        "rows that share rare tokens",
        lambda p: [check_families(p.competition, are_folds_grouped=_are_folds_grouped(p))],
    ),
    "near": ("near duplicates", lambda p: [check_near(p.competition, p.fold)]),
}  # name of its file -> what it looks for, and the check


def check_rows(
    project: Project, note: Callable[[str], None], deadline: float | None = None
) -> list[Check]:
    """Every check of the rows; those of an earlier session on the same rows and folds are read.

    note: called with each check before it runs, and with those that there is no time for
    deadline: time.monotonic() by which the last check has to be over
    """
    checks, skipped = [], []
    tokens = project.competition.view.sequences.lengths.sum()
    seconds = _SECONDS_PER_MILLION * tokens / 1e6
    key = _key(project)
    for name, (description, run) in ROW_CHECKS.items():
        path = project.workspace.check(f"{name}-{key}")
        stored = read_record(path, note)
        if stored is None:
            if deadline is not None and time.monotonic() + seconds > deadline:
                skipped.append(description)
                continue
            note(f"checking {description}")
            stored = {"found": to_plain(run(project))}
            write_record(path, stored)
        checks += [check_from(values) for values in stored["found"]]
    if skipped:
        note(f"no time to check {', '.join(skipped)}: python src/doctor.py does")
    return checks


def _key(project: Project) -> str:
    """8 hex digits of all that a check depends on: rows, folds, what groups them, and the code."""
    fingerprint, code = (
        project.fingerprint,
        code_digest(("data/", "diagnosis/", "evaluation/", "tasks/")),
    )
    return digest(fingerprint.data, fingerprint.folds, _are_folds_grouped(project), code)[:8]


def _are_folds_grouped(project: Project) -> bool:
    return project.config.folds.groups == "auto" or project.competition.groups is not None
