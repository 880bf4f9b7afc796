"""Predict new test rows with a blend that was trained before: nothing is trained.

python src/predict.py --data DIR [--from WORKING] [--out FILE]
"""

from __future__ import annotations

import sys
from pathlib import Path

import seqblend.core.interrupts  # noqa: F401  first: imports take seconds
from seqblend.app.cli import make_subcommand_parser, run_script
from seqblend.app.predict import folders_of, predict_new_rows
from seqblend.core.console import make_console
from seqblend.core.errors import InputError
from seqblend.running.inputs import KAGGLE, find_places


def main(argv: list[str], kaggle: Path = KAGGLE) -> int:
    """Parse, find a trained blend, predict, submit. Returns the exit code."""
    parser = make_subcommand_parser("Predict new test rows with a blend that was trained before.")
    add = parser.add_argument
    add("--data", type=Path, metavar="DIR", help="the folder with the competition's files")
    add("--from", type=Path, metavar="DIR", dest="trained", help="the working folder to use")
    add("--workers", type=int, default=0, metavar="N", help="processes; 0: one per core or GPU")
    add("--out", type=Path, metavar="FILE", help="a further copy of the submission")
    args = parser.parse_args(argv)
    places = find_places(kaggle=kaggle)
    folders = [args.trained] if args.trained else folders_of(places)
    if not predict_new_rows(make_console(), places, folders, args.data, args.workers, args.out):
        raise InputError(
            "no blend was trained on these training rows, in "
            f"{', '.join(map(str, folders[:4]))}. Train one with ./run.sh, or name its working "
            "folder with --from"
        )
    return 0


if __name__ == "__main__":
    sys.exit(run_script(main))
