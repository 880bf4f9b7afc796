"""Compare training settings on a competition: one changed at a time, over several seeds.

python src/ablate.py [MODEL] [--data DIR] [--seeds N] [--variants "A=1; B=2 C=3"] [--csv FILE]
"""

from __future__ import annotations

import csv
import io
import sys
from pathlib import Path

from seqblend.app.cli import make_parser, run_script
from seqblend.app.display import show_project
from seqblend.app.load import load_project
from seqblend.app.pipeline import describe_plan, find_finished_units, fit_plan, precisions_of
from seqblend.core.console import make_console, say, show_table
from seqblend.core.errors import FlagError, suggest
from seqblend.core.storage import write_text
from seqblend.extras.benchmark.ablation import (
    COLUMNS,
    SHOWN,
    VARIANTS,
    plan_variants,
    tabulate_variants,
)
from seqblend.models.registry import entries
from seqblend.running.runs import plan_units


def main(argv: list[str]) -> int:
    """Parse, fit, show. Returns the exit code."""
    parser = make_parser("Fit a model with one setting changed at a time, over several seeds.")
    add = parser.add_argument
    add("model", nargs="?", default="bilstm", help="a neural model")
    add("--seeds", type=int, default=3, metavar="N", help="fits of every variant")
    add("--variants", metavar="A;B", help="settings as for --set; default: " + "; ".join(VARIANTS))
    add(
        "--csv",
        type=Path,
        metavar="FILE",
        help="write the table here, with more columns",
    )
    args = parser.parse_args(argv)
    networks = [name for name, entry in entries().items() if entry.kind == "module"]
    if args.model not in networks:
        raise FlagError(f"no neural model '{args.model}'{suggest(args.model, networks, 'Models')}")
    variants = [v.strip() for v in args.variants.split(";")] if args.variants else list(VARIANTS)
    args.models, args.untuned = args.model, True
    console = make_console()
    project = load_project(args, console)
    show_project(console, project)
    runs = plan_variants(project, args.model, variants, precisions_of(project, console))
    different = list(dict.fromkeys(runs.values()))
    plan = find_finished_units(project, different, plan_units(different, args.seeds, 1), console)
    say(console, describe_plan(project, plan), "bold")
    names = {run: name for name, run in reversed(runs.items())}
    name_of = lambda unit: unit.name.replace(unit.run.model, names[unit.run], 1)  # noqa: E731
    schedule = fit_plan(project, plan, console, name_of=name_of)
    rows = tabulate_variants(runs, args.seeds, schedule.done)
    header, *shown = [[row[i] for i in SHOWN] for row in (COLUMNS, *rows)]
    show_table(console, f"{args.model} with one setting changed: log loss, accuracy", header, shown)
    if args.csv:
        table = io.StringIO()
        csv.writer(table).writerows([COLUMNS, *rows])
        write_text(args.csv, table.getvalue())
    return 1 if schedule.failed else 0


if __name__ == "__main__":
    sys.exit(run_script(main))
