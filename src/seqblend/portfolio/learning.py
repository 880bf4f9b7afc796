"""The order of the default's members, learned from the pilots of several competitions."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from seqblend.blending.crossfit import BlendFitter, make_blend_folds
from seqblend.evaluation.paired import compare_losses
from seqblend.tasks.task import Task

# The default before portfolios, with the recipe that it had.
BEFORE = ("nblr", "tfidf", "bilstm_attention", "bigru_attention")


@dataclass
class PilotedCompetition:
    """The rows that validated the pilots of one competition, and what each member predicted.

    targets: of these rows, as the task has them
    members: {member, such as `textcnn light`: (predictions float32 [n, c], seconds of one fit)}
    """

    name: str
    task: Task
    targets: np.ndarray
    members: dict[str, tuple[np.ndarray, float]]
    _losses: dict[tuple[str, ...], np.ndarray] = field(default_factory=dict)

    def losses(self, members: tuple[str, ...]) -> np.ndarray:
        """float64 [n]: each row's loss by the members' convex blend, fitted on other rows.

        Members that the competition lacks are passed over; without any it is a constant's.
        """
        known = tuple(sorted(member for member in members if member in self.members))
        if not known:
            return self.task.prior_losses(self.targets)
        if known not in self._losses:
            self._losses[known] = self.task.losses(self.targets, self._predict(known))
        return self._losses[known]

    def gain(self, members: tuple[str, ...], others: tuple[str, ...]) -> tuple[float, float]:
        """(share by which the loss of `members` is below that of `others`, half its 95 % width)."""
        after, before = self.losses(members), self.losses(others)
        found, mean = compare_losses(after, before), float(before.mean())
        return found.mean / mean, found.margin / mean

    def seconds(self, members: tuple[str, ...]) -> float:
        """Seconds of one fit of each."""
        return sum(self.members[member][1] for member in members if member in self.members)

    def _predict(self, members: tuple[str, ...]) -> np.ndarray:
        """float64 [n, c]."""
        stack = np.stack([self.members[member][0] for member in members])
        method = self.task.convex_method if len(members) > 1 else "mean"
        rows = np.arange(len(self.targets))
        fold = make_blend_folds(self.task.strata(self.targets), np.zeros(len(rows), dtype=int))
        fitter = BlendFitter(stack, self.targets, self.task.loss_metric, members, self.task)
        return fitter.cross_fit(method, rows, fold)


def learn_order(competitions: list[PilotedCompetition]) -> tuple[str, ...]:
    """Members from the first on: at each place the best mean rank of the gain for a second.

    Ranks are over the members that are left, as in TabRepo (Salinas and Erickson 2024); a member
    that a competition lacks has no rank there.
    """
    order: tuple[str, ...] = ()
    while left := sorted({m for c in competitions for m in c.members} - set(order)):
        rates = [
            {m: c.gain((*order, m), order)[0] / c.seconds((m,)) for m in left if m in c.members}
            for c in competitions
        ]
        ranks = pd.DataFrame(rates, columns=left).rank(axis=1, ascending=False, pct=True)
        order = (*order, str(ranks.mean().idxmin()))
    return order


def take_in_time(
    competition: PilotedCompetition, order: tuple[str, ...], seconds: float
) -> tuple[str, ...]:
    """The members, in this order, whose fits take no longer than these seconds together."""
    taken: tuple[str, ...] = ()
    for member in order:
        is_known = member in competition.members
        if is_known and competition.seconds((*taken, member)) <= seconds:
            taken = (*taken, member)
    return taken


def tabulate(competitions: list[PilotedCompetition]) -> pd.DataFrame:
    """What each member of the learned order took off the loss, then what leaving one out shows.

    A row `order` for each competition and member. A row `left out` for each competition: the order
    that the others taught, in the time that BEFORE takes here, against BEFORE.
    """
    rows, order = [], learn_order(competitions)
    for each in competitions:
        for place, member in enumerate(order):
            if member in each.members:
                gain, margin = each.gain(order[: place + 1], order[:place])
                facts = {"what": "order", "competition": each.name, "place": place + 1}
                facts |= {"members": member, "gain": gain, "margin": margin}
                rows.append(facts | {"seconds": each.seconds((member,))})
    for each in competitions if len(competitions) > 1 else []:
        order = learn_order([other for other in competitions if other is not each])
        learned = take_in_time(each, order, each.seconds(BEFORE))
        gain, margin = each.gain(learned, BEFORE)
        facts = {"what": "left out", "competition": each.name, "members": ", ".join(learned)}
        facts |= {"gain": gain, "margin": margin, "seconds": each.seconds(learned)}
        rows.append(facts | {"loss": float(each.losses(learned).mean())})
    return pd.DataFrame(rows)
