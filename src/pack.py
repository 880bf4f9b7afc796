"""Keep a competition's work in one file, or add such a file's to the working folder.

python src/pack.py save FILE [--working DIR] [--name COMPETITION] [--without-weights]
python src/pack.py load FILE [--working DIR]
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from seqblend.app.cli import make_subcommand_parser, run_script
from seqblend.core.console import make_console, say
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
    return parser.parse_args(argv)


def main(argv: list[str]) -> int:
    """Parse, save or load, show. Returns the exit code."""
    args, console = parse(argv), make_console()
    working = find_places(working=args.working).working
    if args.what == "load":
        root, count = load_work(args.file, working, lambda text: say(console, text, "yellow"))
        say(console, f"{root}: {count} finished folders added", "green")
        return 0
    known = {folder.name: folder for folder in working_folders([working])}
    chosen = {args.name: known[args.name]} if args.name in known else known
    if len(chosen) != 1 or (args.name and args.name not in known):
        found = listing(known, 9) or "no competition"
        raise FlagError(f"--name expects one of the competitions in {working}: {found}")
    (root,) = chosen.values()
    count = save_work(root, args.file, has_weights=not args.without_weights)
    say(console, f"{args.file}: {count} files of {root}", "green")
    return 0


if __name__ == "__main__":
    sys.exit(run_script(main))
