"""Measure training and inference side by side with the usual ways, one core each.

python src/bench.py [--rounds N] [--seconds S] [--rows N] [--json FILE]
"""

from __future__ import annotations

import sys
from pathlib import Path

from seqblend.benchmark.compare import COLUMNS, Plan, as_json, run_plan, summarise, table_rows
from seqblend.benchmark.variants import BASELINES, make_variants
from seqblend.commands import make_subcommand_parser, run_script
from seqblend.console import duration, make_console, say, show_table
from seqblend.errors import FlagError
from seqblend.store import write_json

_START = 5.0  # seconds a process spends on imports, rows and warm-up, roughly


def main(argv: list[str]) -> int:
    """Parse, measure, show. Returns the exit code."""
    parser = make_subcommand_parser("Measure speed, side by side with peers.")
    add = parser.add_argument
    add("--rounds", type=int, default=3, metavar="N", help="every variant in turn, N times")
    add("--seconds", type=float, default=2.0, metavar="S", help="at least this long a measurement")
    add("--rows", type=int, default=4096, metavar="N", help="rows of IMDB's shape")
    add("--json", type=Path, metavar="FILE", help="write every measurement here too")
    args = parser.parse_args(argv)
    if args.rounds < 1 or args.seconds <= 0 or args.rows < 64:
        raise FlagError("--rounds expects at least 1, --seconds more than 0, --rows at least 64")
    if args.json and args.json.is_dir():
        raise FlagError(f"--json expects a file, got the folder {args.json}")
    console = make_console()
    plan = Plan(tuple(make_variants()), args.rounds, args.seconds, args.rows)
    runs = plan.rounds * len(plan.variants)
    about = duration(runs * (plan.seconds + _START))
    say(
        console,
        f"{runs} runs ({len(plan.variants)} variants x {plan.rounds} rounds), one process of one"
        f" thread at a time, about {about} on a quiet machine",
    )
    measurements = run_plan(plan, lambda line: say(console, line))
    summaries = summarise(plan, measurements)
    for task, baseline in BASELINES.items():
        title = f"{task}: thousand real tokens a second on one core; ratio to {baseline}"
        show_table(console, title, COLUMNS, table_rows(summaries, task))
    if args.json:
        write_json(args.json, as_json(plan, measurements, summaries))
    return 0


if __name__ == "__main__":
    sys.exit(run_script(main))
