"""Blend every finished run of these data and folds into a checked submission.

python src/blend.py [--data DIR] [--folds 5] [--add NAME=oof.csv,test.csv] [--out FILE]
"""

from __future__ import annotations

import sys
from pathlib import Path

from seqblend.commands import make_parser, run_script
from seqblend.console import make_console, say
from seqblend.joining import join_files
from seqblend.opening import open_from
from seqblend.pipeline import blend_finished
from seqblend.show import show_blend


def main(argv: list[str]) -> int:
    """Parse, load, blend, show. Returns the exit code."""
    parser = make_parser("Blend finished runs into a submission.")
    parser.add_argument("--models", metavar="A,B", help="only these models")
    parser.add_argument(
        "--add", action="append", default=[], metavar="NAME=OOF,TEST",
        help="probabilities made elsewhere join the finished runs: two files with ids",
    )  # fmt: skip
    parser.add_argument("--out", type=Path, metavar="FILE", help="a further copy of the submission")
    args = parser.parse_args(argv)
    console = make_console()
    project = open_from(args, console)
    for text in args.add:
        say(console, f"joined: {join_files(project, text)}")
    chosen = project.config.models if args.models else None
    outcome = blend_finished(project, lambda text: say(console, text, "yellow"), chosen, args.out)
    show_blend(console, project, outcome)
    return 0


if __name__ == "__main__":
    sys.exit(run_script(main))
