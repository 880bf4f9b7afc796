"""The leaderboard's rows as the report reads them: its records ranked, and compared."""

from __future__ import annotations

import dataclasses

from seqblend.evaluation.calibration import measure_reliability
from seqblend.evaluation.leaderboard import Candidate, LeaderboardRow, compare_rows, rank
from seqblend.evaluation.paired import PairedDifference
from seqblend.reporting.facts.records import BlendRecord, ModelRecord, ReportData

RESAMPLES = 1000
Ranked = LeaderboardRow[ModelRecord | BlendRecord]


def rank_entries(data: ReportData) -> list[Ranked]:
    """The blend and the models, best first; those without a defined score last."""
    candidates: list[Candidate[ModelRecord | BlendRecord]] = [
        Candidate(record.name, record, record.remark) for record in data.records
    ]
    if data.blend is not None:
        candidates.append(_blend_candidate(data, data.blend))
    entries = rank(
        data.metric,
        data.targets,
        data.fold,
        candidates,
        resamples=RESAMPLES,
        summarise=data.task.summarise,
    )
    return [_add_calibration_error(data, entry) for entry in entries]


def compare(data: ReportData, first: Ranked, second: Ranked) -> PairedDifference | None:
    """By how much the first entry is better; None where a score is undefined."""
    return compare_rows(data.metric, data.targets, data.fold, first, second)


def _blend_candidate(data: ReportData, blend: BlendRecord) -> Candidate[ModelRecord | BlendRecord]:
    """The blend, with the score and interval that blending found and its members' remark."""
    remarks = [record.remark for record in data.records if blend.weights.get(record.name)]
    ends = blend.whole.get("low"), blend.whole.get("high")
    return Candidate(
        "blend",
        blend,
        next(filter(None, remarks), ""),
        is_blend=True,
        score=blend.cross_fitted,
        interval=None if None in ends else ends,
    )


def _add_calibration_error(data: ReportData, entry: Ranked) -> Ranked:
    """The entry with the calibration error of its classes; as it is where there are none."""
    if not len(entry.rows) or not data.task.has_classes:
        return entry
    measured = measure_reliability(data.targets[entry.rows], entry.record.oof[entry.rows])
    return dataclasses.replace(entry, summary=entry.summary | {"calibration_error": measured.error})
