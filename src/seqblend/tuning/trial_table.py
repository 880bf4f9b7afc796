"""A study as a table with one row per trial, for the report, its CSV and tuned/<model>.json."""

from __future__ import annotations

from typing import Any

from optuna.trial import FrozenTrial, TrialState

from seqblend.tuning.study import NOISE_REPLICATE, Study


def trial_rows(study: Study) -> list[dict[str, Any]]:
    """One dict per finished trial, in the order of the search."""
    return [_row(trial) for trial in study.finished]


def outcome_of(trial: FrozenTrial) -> str:
    """done, pruned or failed."""
    if "failed" in trial.user_attrs:
        return "failed"
    is_pruned = trial.state == TrialState.PRUNED or "pruned_at" in trial.user_attrs
    return "pruned" if is_pruned else "done"


def _row(trial: FrozenTrial) -> dict[str, Any]:
    facts, outcome = trial.user_attrs, outcome_of(trial)
    reason = outcome
    if outcome == "pruned":
        epochs = f"epoch {trial.last_step}"
        reason = "time was up" if "stopped_early" in facts else reason
        reason += f" after {facts['pruned_at']} folds" if "pruned_at" in facts else f" at {epochs}"
    return {
        "number": trial.number,
        "role": facts.get("role", ""),
        "outcome": outcome,
        "reason": reason,
        "may_win": facts.get("role") != NOISE_REPLICATE,
        "log_loss": trial.value,
        "metric": facts.get("metric"),
        "folds": len(facts.get("losses", [])),
        "seconds": facts.get("seconds", 0.0),
        "values": trial.params,
        "run": facts.get("run", ""),
    }
