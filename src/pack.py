"""Keep a competition's work in one file, add such a file's, or write what Kaggle takes.

python src/pack.py save FILE [--working DIR] [--name COMPETITION] [--without-weights]
python src/pack.py load FILE [--working DIR]
python src/pack.py kaggle OWNER/COMPETITION [--to DIR] [--budget 11h]
"""

from __future__ import annotations

import argparse
import re
import shlex
import sys
from functools import partial
from pathlib import Path

import seqblend.core.interrupts  # noqa: F401  first: imports take seconds
from seqblend.app.cli import make_subcommand_parser, parse_seconds, run_script
from seqblend.app.kaggle_upload import write_upload
from seqblend.core.console import Console, make_console, say
from seqblend.core.errors import FlagError, listing
from seqblend.running.inputs import find_places, working_folders
from seqblend.running.transfer import load_work, save_work


def parse(argv: list[str]) -> argparse.Namespace:
    """The flags."""
    parser = make_subcommand_parser("Keep a competition's work in one file, or add it.")
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = (__doc__ or "").partition("\n\n")[2]
    subcommands = parser.add_subparsers(dest="what", required=True, metavar="WHAT")
    for name, about in (
        ("save", "write a competition's working folder into FILE, a zip archive with hashes"),
        ("load", "add what FILE holds and the working folder lacks: fits of two machines add up"),
    ):
        add = subcommands.add_parser(name, help=about, description=about).add_argument
        add("file", type=Path, metavar="FILE")
        add("--working", type=Path, metavar="DIR", help="where the work is kept")
        if name == "save":
            add("--name", default="", metavar="COMPETITION", help="where there are several")
            add("--without-weights", action="store_true", help="smaller: fits still blend")
    about = (
        "the code as a data set, a notebook that trains and one that predicts, as Kaggle takes them"
    )
    add = subcommands.add_parser("kaggle", help=about, description=about).add_argument
    add("names", metavar="OWNER/COMPETITION", help="your Kaggle name, and the competition's slug")
    add("--to", type=Path, metavar="DIR", help="default: working/kaggle-COMPETITION")
    add("--budget", default="11h", metavar="TIME", help="of the notebook that trains")
    return parser.parse_args(argv)


def main(argv: list[str]) -> int:
    """Parse, save or load, show. Returns the exit code."""
    args, console = parse(argv), make_console()
    if args.what == "kaggle":
        return write_kaggle(args, console)
    working, note = find_places(working=args.working).working, partial(say, console, style="yellow")
    if args.what == "load":
        root, count = load_work(args.file, working, note)
        say(console, f"{root}: {count} finished folders added", "green")
        return 0
    known = {folder.name: folder for folder in working_folders([working])}
    chosen = {args.name: known[args.name]} if args.name in known else known
    if len(chosen) != 1 or (args.name and args.name not in known):
        found = listing(known, 9) or "no competition"
        raise FlagError(f"--name expects one of the competitions in {working}: {found}")
    (root,) = chosen.values()
    count = save_work(root, args.file, note, has_weights=not args.without_weights)
    say(console, f"{args.file}: {count} files of {root}", "green")
    return 0


def write_kaggle(args: argparse.Namespace, console: Console) -> int:
    """Write the folder for Kaggle, and show the commands that use it."""
    if not re.fullmatch(r"[\w-]+/[\w-]+", args.names):
        raise FlagError(
            f"expected OWNER/COMPETITION, such as ann/spooky-author, got '{args.names}'"
        )
    parse_seconds(args.budget)
    owner, competition = args.names.split("/")
    folder = args.to or find_places().working / f"kaggle-{competition}"
    for step, command in write_upload(folder, owner, competition, args.budget).items():
        say(console, f"{step}: kaggle {shlex.join(command)}")
    say(console, f"{folder} is ready; each step: python src/submit.py {folder} STEP", "green")
    return 0


if __name__ == "__main__":
    sys.exit(run_script(main))
