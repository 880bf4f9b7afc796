"""Saves disk space: deletes the weights of trials that cannot win; their probabilities stay."""

from __future__ import annotations

from seqblend.core.storage import MANIFEST, forget_file
from seqblend.tuning.study import DEFAULT
from seqblend.tuning.trial_run import Rules, candidates

_N_KEPT = 4  # best trials whose weights stay, besides the default's


def delete_unneeded_weights(rules: Rules, in_use: set[str], without_weights: set[str]) -> None:
    """Delete weights.npz of finished trials that are not among the best.

    The units' manifests forget the file and stay finished: the trial still counts and nothing is
    fitted twice. A run that was collected for a blend keeps its weights.
    in_use: runs of trials that go on; without_weights: runs already deleted, extended in place
    """
    best = sorted(candidates(rules.study), key=lambda t: (t.value, t.number))[:_N_KEPT]
    defaults = [t for t in rules.study.trials if t.user_attrs.get("role") == DEFAULT]
    kept = in_use | without_weights | {t.user_attrs.get("run") for t in best + defaults}
    for trial in rules.study.finished:
        run = trial.user_attrs.get("run")
        if run is None or run in kept or (rules.project.workspace.run(run) / MANIFEST).exists():
            continue
        for unit in rules.project.workspace.run(run).glob("*/"):
            forget_file(unit, "weights.npz")
        without_weights.add(run)
