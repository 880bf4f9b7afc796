"""Learn the order of the default's members from competitions; offline, for developers.

PYTHONPATH=src python -m seqblend.app.learn_portfolio --working W --out FILE DIR [DIR ...]

Fits the pilots of all models of the default with all recipes, on each competition, into W; those
that are there are used. Then writes the table of portfolio/learning.py.
"""

from __future__ import annotations

import argparse
import sys
from functools import partial
from pathlib import Path

from seqblend.app.pipeline import Plan, describe_plan, train_plan
from seqblend.core.config import Config
from seqblend.core.console import Console, make_console, say
from seqblend.portfolio.choose import load_pilots, make_groups
from seqblend.portfolio.learning import PilotedCompetition, tabulate
from seqblend.portfolio.named_models import UnitsAlone
from seqblend.portfolio.recipes import RunMaker
from seqblend.running.budget import find_finished, make_estimator
from seqblend.running.inputs import find_places
from seqblend.running.project import Request, open_project


def main(argv: list[str]) -> int:
    """Fit pilots, learn, write. Returns the exit code."""
    parser = argparse.ArgumentParser(description="Learn the order of the default's members.")
    parser.add_argument("folders", nargs="+", type=Path, metavar="DIR")
    parser.add_argument("--working", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True, metavar="FILE")
    args, console = parser.parse_args(argv), make_console()
    competitions = [_fit_pilots(folder, args.working, console) for folder in args.folders]
    table = tabulate(competitions)
    table.to_csv(args.out, index=False, float_format="%.5g")
    say(console, f"{len(table)} rows in {args.out}", "green")
    return 0


def _fit_pilots(folder: Path, working: Path, console: Console) -> PilotedCompetition:
    """What the pilots of a competition predict, those cut short left out."""
    note = partial(say, console)
    project = open_project(Config(), find_places(working=working), Request(folder), note=note)
    groups = make_groups(RunMaker(project, project.precisions(note)))
    pilots = [unit for group in groups for unit in group.pilots]
    plan = Plan(UnitsAlone(pilots), [], {}, make_estimator(project))
    plan.extend(project, plan.selection.first_units(), note)
    say(console, f"{folder.name}: {describe_plan(project, plan)}", "bold")
    train_plan(project, plan, console, deadline=None)
    found = find_finished(project, pilots, plan.estimator, note)
    found = {unit.run: facts for unit, facts in found.items() if not facts["is_pruned"]}
    blends = load_pilots(project, list(found))
    members = {
        run.title: (blends.arrays[run], float(facts["seconds"])) for run, facts in found.items()
    }
    return PilotedCompetition(folder.name, blends.task, blends.targets, members)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
