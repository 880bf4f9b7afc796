"""Learn the order of the default's members from finished competitions; offline, for developers.

PYTHONPATH=src python -m seqblend.portfolio.learn_portfolio --working W --out FILE DIR DIR ...

Every DIR was trained into W with the same models before. The order is greedy: at each place the
member whose gain for a second of training has the best mean rank over the competitions, as in
TabRepo (Salinas and Erickson 2024). The table also has, for each competition, how the order that
was learned on the others alone does against a given list of members in the time that these take.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from seqblend.blending.crossfit import BlendFitter, make_blend_folds
from seqblend.core.config import Config
from seqblend.core.console import make_console, say
from seqblend.running.inputs import find_places
from seqblend.running.project import Request, open_project
from seqblend.running.results import finished_runs
from seqblend.tasks.task import Task

BEFORE = ("nblr", "tfidf", "bilstm_attention", "bigru_attention")  # the default before portfolios


@dataclass
class TrainedCompetition:
    """What is known of one: its rows' targets and folds, and each member's predictions.

    members: {model: (out-of-fold predictions float32 [n, c], seconds of training)}
    """

    name: str
    task: Task
    targets: np.ndarray
    fold: np.ndarray
    members: dict[str, tuple[np.ndarray, float]]

    def loss(self, models: list[str]) -> float:
        """The cross-fitted loss of the convex blend; without models that of a constant."""
        if not models:
            return self.task.prior_loss(self.targets)
        stack = np.stack([self.members[model][0] for model in models])
        method = self.task.convex_method if len(models) > 1 else "mean"
        metric, rows = self.task.loss_metric, np.arange(len(self.targets))
        fitter = BlendFitter(stack, self.targets, metric, tuple(models), self.task)
        fold = make_blend_folds(self.task.strata(self.targets), self.fold)
        blended = fitter.cross_fit(method, rows, fold)
        return float(self.task.losses(self.targets, blended).mean())

    def gain(self, models: list[str], another: str) -> float:
        """The share that another member takes off the blend's loss."""
        return 1 - self.loss([*models, another]) / self.loss(models)

    def seconds(self, models: list[str]) -> float:
        """Seconds of training of these members, on one worker."""
        return sum(self.members[model][1] for model in models)


def load_competition(folder: Path, working: Path) -> TrainedCompetition:
    """The finished runs of a competition; of a model that is there twice the newest."""
    places = find_places(working=working)
    request = Request(folder, is_untuned=True, is_plan=True, is_read_only=True)
    project = open_project(Config(), places, request)
    runs = finished_runs(project.workspace, project.fingerprint, partial(say, make_console()))
    rows, rated = project.fold >= 0, project.competition
    members = {run.model: (run.oof[rows], float(run.manifest["seconds"])) for run in runs}
    known = rated.task, rated.targets[rows], project.fold[rows]
    return TrainedCompetition(folder.name, *known, members)


def learn_order(competitions: list[TrainedCompetition]) -> list[str]:
    """Members from the first on: the best mean rank of the gain for a second, at each place."""
    order: list[str] = []
    while left := sorted({m for c in competitions for m in c.members} - set(order)):
        ranks = pd.DataFrame([_rates(each, order, left) for each in competitions])
        order.append(str(ranks.rank(axis=1, ascending=False).mean().idxmin()))
    return order


def _rates(competition: TrainedCompetition, order: list[str], left: list[str]) -> dict[str, float]:
    """{member: what it takes off the loss for a second}, of those that the competition has."""
    known = [model for model in order if model in competition.members]
    return {
        model: competition.gain(known, model) / competition.seconds([model])
        for model in left
        if model in competition.members
    }


def take_in_time(competition: TrainedCompetition, order: list[str], seconds: float) -> list[str]:
    """The members, in this order, that are done within the seconds."""
    taken: list[str] = []
    for model in order:
        if model in competition.members and competition.seconds([*taken, model]) <= seconds:
            taken.append(model)
    return taken


def tabulate(competitions: list[TrainedCompetition]) -> pd.DataFrame:
    """A row for each competition and place in the learned order, and for leaving it out."""
    rows, order = [], learn_order(competitions)
    for each in competitions:
        known: list[str] = []
        for place, model in enumerate(order):
            if model in each.members:
                gain, seconds = each.gain(known, model), each.seconds([model])
                rows.append({"what": "order", "place": place + 1, "competition": each.name})
                rows[-1] |= {"members": model, "gain": gain, "seconds": seconds}
                known.append(model)
    for each in competitions if len(competitions) > 1 else []:
        others = [other for other in competitions if other is not each]
        before = [model for model in BEFORE if model in each.members]
        learned = take_in_time(each, learn_order(others), each.seconds(before))
        gain = 1 - each.loss(learned) / each.loss(before)
        rows.append({"what": "left out", "competition": each.name, "members": " ".join(learned)})
        rows[-1] |= {"gain": gain, "seconds": each.seconds(learned), "loss": each.loss(learned)}
    return pd.DataFrame(rows)


def main(argv: list[str]) -> int:
    """Read, learn, write. Returns the exit code."""
    parser = argparse.ArgumentParser(description="Learn the order of the default's members.")
    parser.add_argument("folders", nargs="+", type=Path, metavar="DIR")
    parser.add_argument("--working", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True, metavar="FILE")
    args = parser.parse_args(argv)
    table = tabulate([load_competition(folder, args.working) for folder in args.folders])
    table.to_csv(args.out, index=False, float_format="%.5g")
    say(make_console(), f"{len(table)} rows in {args.out}", "green")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
