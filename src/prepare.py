"""Write a competition into a folder: a public data set, or a demo with a known best score.

python src/prepare.py imdb --from aclImdb_v1.tar.gz [--to DIR] [--unchecked]
python src/prepare.py reuters --from reuters.npz
python src/prepare.py 20newsgroups --from 20news-bydate.tar.gz
python src/prepare.py demo [--kind hmm|memory|tags|numbers|grades] [--seed 1] [--rows 4000]
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import seqblend.core.interrupts  # noqa: F401  first: imports take seconds
from seqblend.app.cli import make_subcommand_parser, run_script
from seqblend.core.console import make_console, say
from seqblend.core.errors import FlagError
from seqblend.data.demo import write_demo, write_memory_demo
from seqblend.data.demo_tasks import TASK_KINDS, write_task_demo
from seqblend.evaluation.score_text import score_format
from seqblend.extras.public.published import DATA_SETS, prepare
from seqblend.running.inputs import find_places


def parse(argv: list[str]) -> argparse.Namespace:
    """The flags."""
    parser = make_subcommand_parser("Write a competition into a folder.")
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = (__doc__ or "").partition("\n\n")[2]
    subcommands = parser.add_subparsers(dest="what", required=True, metavar="WHAT")
    for name, published in DATA_SETS.items():
        about = f"{published.file}, published at {published.url}"
        add = subcommands.add_parser(name, help=about, description=about).add_argument
        add("--from", dest="place", type=Path, metavar="FILE", help="the archive or its folder")
        add("--to", type=Path, metavar="DIR", help=f"default: input/{name}")
        add("--unchecked", action="store_true", help="accept an archive that was altered")
    about = "generated rows whose best reachable accuracy is known"
    add = subcommands.add_parser("demo", help=about, description=about).add_argument
    kinds = (
        "hmm: the order of tokens decides the class; memory: the first token of a long row; tags: "
        "six labels at once; numbers: a number; grades: five in order"
    )
    names = ["hmm", "memory", *TASK_KINDS]
    add("--kind", choices=names, default="hmm", help=kinds)
    add("--to", type=Path, metavar="DIR", help="default: input/demo-SEED or input/KIND-SEED")
    add("--seed", type=int, default=1, metavar="N", help="1: the embedded demo")
    add("--rows", type=int, default=4_000, metavar="N", help="training rows")
    add("--length", type=int, default=200, metavar="N", help="tokens per row (memory only)")
    return parser.parse_args(argv)


def main(argv: list[str]) -> int:
    """Parse, write, show. Returns the exit code."""
    args, console, places = parse(argv), make_console(), find_places()
    if args.what in DATA_SETS:
        folder = args.to or places.inputs[0] / args.what
        published, is_checked = DATA_SETS[args.what], not args.unchecked
        data = prepare(published, args.place, folder, is_checked=is_checked)
        extra = "" if data.unlabelled is None else f", {len(data.unlabelled):,} unlabelled"
        rows = f"{len(data.train):,} training and {len(data.test):,} test rows{extra}"
        say(console, f"{folder}: {rows}; the answers are in solution.csv")
        return 0
    if min(args.rows, args.length) < 1:
        raise FlagError("--rows and --length expect at least 1")
    name = "demo" if args.kind == "hmm" else args.kind
    folder = args.to or places.inputs[0] / f"{name}-{args.seed}"
    size = {"seed": args.seed, "n_train": args.rows, "n_test": max(args.rows // 4, 1)}
    metric = "accuracy"
    if args.kind == "memory":
        best = write_memory_demo(folder, length=args.length, **size)
    elif args.kind in TASK_KINDS:
        metric, best = write_task_demo(folder, args.kind, **size)
    else:
        best = write_demo(folder, **size)
    text = f"best reachable {metric} {score_format(metric)(best)}"
    say(console, f"{folder}: {args.rows:,} training rows, {text}")
    return 0


if __name__ == "__main__":
    sys.exit(run_script(main))
