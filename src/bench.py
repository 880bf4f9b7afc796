"""Compare our training speed with the usual loop side by side; on a CPU, one core each.

python src/bench.py [--rounds N] [--seconds S] [--rows N] [--device cpu|cuda]
"""

from __future__ import annotations

import sys

import torch

import seqblend.core.interrupts  # noqa: F401  first: imports take seconds
from seqblend.app.cli import make_subcommand_parser, run_script
from seqblend.core.console import make_console, say, show_table
from seqblend.core.errors import FlagError
from seqblend.extras.benchmark import (
    COLUMNS,
    alternate,
    compare,
    list_contenders,
    measure,
    run_alone,
)
from seqblend.training.devices import describe_device, find_devices


def main(argv: list[str]) -> int:
    """Parse, measure, show. Returns the exit code."""
    parser = make_subcommand_parser("Compare our training speed with the usual loop.")
    add = parser.add_argument
    add("--rounds", type=int, default=3, metavar="N", help="measurements of each contender")
    add("--seconds", type=float, default=2.0, metavar="S", help="least seconds per measurement")
    add("--rows", type=int, default=1024, metavar="N", help="rows of IMDB's shape")
    add("--device", choices=("cpu", "cuda"), default="cpu", help="where networks are trained")
    args = parser.parse_args(argv)
    if args.rounds < 1 or args.seconds <= 0 or args.rows < 64:
        raise FlagError("--rounds expects at least 1, --seconds more than 0, --rows at least 64")
    machine = find_devices(1, 1)
    place = machine.devices[0] if args.device == "cuda" else "cpu"
    if args.device == "cuda" and place == "cpu":
        raise FlagError(f"--device cuda: {machine.note or 'torch finds no GPU here'}")
    console, device = make_console(), torch.device(place)
    say(console, f"{describe_device(device)}: one process at a time, one thread each")
    timings = {name: [] for name in list_contenders(device)}
    for name in alternate(list(timings), args.rounds):
        values = (name, place, args.rows, args.seconds)
        timings[name].append(run_alone(measure, *values, is_peer="seqblend" not in name))
        say(console, f"{name}: {timings[name][-1].rate / 1000:.0f} ktok/s")
    title = "training: thousand real tokens per second, and the ratio to the first line"
    show_table(console, title, COLUMNS, compare(timings))
    return 0


if __name__ == "__main__":
    sys.exit(run_script(main))
