"""Write a competition into a folder: the demo, with a known best score.

python src/prepare.py demo [--to DIR] [--seed 1] [--rows 4000]
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from seqblend.commands import make_subcommand_parser, run_script
from seqblend.console import make_console, say
from seqblend.demo import write_demo
from seqblend.paths import find_places


def parse(argv: list[str]) -> argparse.Namespace:
    """The flags."""
    parser = make_subcommand_parser("Write a competition into a folder.")
    parser.add_argument(
        "what", choices=["demo"], help="hidden Markov models that order tells apart"
    )
    parser.add_argument("--to", type=Path, metavar="DIR", help="default: input/demo-SEED")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="1: the embedded demo")
    parser.add_argument("--rows", type=int, default=4_000, metavar="N", help="training rows")
    return parser.parse_args(argv)


def main(argv: list[str]) -> int:
    """Parse, write, show. Returns the exit code."""
    args = parse(argv)
    folder = args.to or find_places().inputs[0] / f"demo-{args.seed}"
    best = write_demo(folder, seed=args.seed, n_train=args.rows, n_test=max(args.rows // 4, 1))
    say(
        make_console(), f"{folder}: {args.rows:,} training rows, best reachable accuracy {best:.4f}"
    )
    return 0


if __name__ == "__main__":
    sys.exit(run_script(main))
