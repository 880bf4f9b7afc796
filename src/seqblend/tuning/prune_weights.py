"""Room on disk: the weights of trials that cannot win are removed, their probabilities stay."""

from __future__ import annotations

from seqblend.core.storage import MANIFEST, forget_file
from seqblend.tuning.study import DEFAULT
from seqblend.tuning.trial_run import Rules, candidates

_KEPT = 4  # best trials whose weights stay, besides the default's


def delete_unneeded_weights(rules: Rules, in_use: set[str], thinned: set[str]) -> None:
    """Remove weights.npz of finished trials that are not among the best.

    A run's manifest goes without the file and stays finished: the trial still counts and nothing
    is fitted twice. A run that was collected, by whoever wanted it, is left alone.
    in_use: runs of trials that go on; thinned: runs that were seen to already; grows
    """
    best = sorted(candidates(rules.study), key=lambda t: (t.value, t.number))[:_KEPT]
    kept = in_use | thinned | {trial.user_attrs["run"] for trial in best}
    for trial in rules.study.finished:
        run = trial.user_attrs.get("run")
        if run is None or run in kept or trial.user_attrs.get("role") == DEFAULT:
            continue
        folder = rules.project.workspace.run(run)
        if (folder / MANIFEST).exists() or _is_default(rules, run):
            continue
        for unit in folder.glob("*/"):
            forget_file(unit, "weights.npz")
        thinned.add(run)


def _is_default(rules: Rules, run: str) -> bool:
    """Whether the run is the default's, whose twin has it too."""
    return any(
        t.user_attrs.get("run") == run and t.user_attrs.get("role") == DEFAULT
        for t in rules.study.trials
    )
