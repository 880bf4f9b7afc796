"""What each part of training is worth on a competition: one setting changed at a time.

python src/ablate.py [MODEL] [--data DIR] [--seeds N] [--variants A;B] [--csv FILE]
"""

from __future__ import annotations

import csv
import io
import sys
from pathlib import Path

from seqblend.benchmark.ablation import COLUMNS, VARIANTS, plan_trials, run_trials, table_rows
from seqblend.commands import make_parser, run_script
from seqblend.console import make_console, say, show_table
from seqblend.errors import FlagError, suggest
from seqblend.models.registry import entries
from seqblend.opening import open_from
from seqblend.show import show_project
from seqblend.store import write_text


def main(argv: list[str]) -> int:
    """Parse, fit, show. Returns the exit code."""
    parser = make_parser("Fit a model with one setting changed at a time, over several seeds.")
    add = parser.add_argument
    add("model", nargs="?", default="bilstm", help="a neural model")
    add("--seeds", type=int, default=3, metavar="N", help="fits of every variant")
    add("--variants", metavar="A;B", help="; ".join(VARIANTS))
    add("--csv", type=Path, metavar="FILE", help="write the table here too")
    args = parser.parse_args(argv)
    networks = [name for name, entry in entries().items() if entry.kind == "module"]
    if args.model not in networks:
        raise FlagError(f"no neural model '{args.model}'{suggest(args.model, networks, 'Models')}")
    args.models, names = args.model, (args.variants or ";".join(VARIANTS)).split(";")
    console = make_console()
    project = open_from(args, console)
    show_project(console, project)
    trials = plan_trials(project, args.model, [name.strip() for name in names], args.seeds)
    say(console, f"{len(trials)} fits on {len(project.machine.devices)} processes", "bold")
    results = {}
    for trial, scores in run_trials(project, trials):
        results[trial.variant, trial.seed] = scores
        place = f"{len(results)}/{len(trials)}  {trial.variant}, seed {trial.seed}"
        say(console, place + ": log loss {log_loss:.4f}, accuracy {accuracy:.4f}".format(**scores))
    rows = table_rows(results)
    show_table(console, f"{args.model} with one setting changed", COLUMNS, rows)
    if args.csv:
        table = io.StringIO()
        csv.writer(table).writerows([COLUMNS, *rows])
        write_text(args.csv, table.getvalue())
    return 0


if __name__ == "__main__":
    sys.exit(run_script(main))
