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
    kept = in_use | without_weights | {trial.user_attrs["run"] for trial in best}
    for trial in rules.study.finished:
        run = trial.user_attrs.get("run")
        if run is None or run in kept or trial.user_attrs.get("role") == DEFAULT:
            continue
        folder = rules.project.workspace.run(run)
        if (folder / MANIFEST).exists() or _is_default(rules, run):
            continue
        for unit in folder.glob("*/"):
            forget_file(unit, "weights.npz")
        without_weights.add(run)


def _is_default(rules: Rules, run: str) -> bool:
    """Whether the default has the run, be it of another trial too."""
    return any(
        t.user_attrs.get("run") == run and t.user_attrs.get("role") == DEFAULT
        for t in rules.study.trials
    )
