"""Run one of the commands that `pack.py kaggle` has written, by Kaggle's own command line.

python src/submit.py DIR STEP [--version N]    # code or code-again, train, infer, submit
"""

from __future__ import annotations

import argparse
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import seqblend.core.interrupts  # noqa: F401  first: imports take seconds
from seqblend.app.cli import make_subcommand_parser, run_script
from seqblend.app.kaggle_upload import COMMANDS
from seqblend.core.console import make_console, say
from seqblend.core.errors import FlagError, InputError, MachineError, suggest
from seqblend.core.storage import read_json


def parse(argv: list[str]) -> argparse.Namespace:
    """The flags."""
    parser = make_subcommand_parser("Upload, train, predict and submit on Kaggle.")
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = (__doc__ or "").partition("\n\n")[2]
    parser.add_argument("folder", type=Path, metavar="DIR", help="that pack.py kaggle has written")
    parser.add_argument("step", metavar="STEP")
    about = "of the notebook that predicts, for the step submit; 1: its first push"
    parser.add_argument("--version", type=int, default=1, metavar="N", help=about)
    return parser.parse_args(argv)


def main(argv: list[str]) -> int:
    """Parse, run, and pass on the exit code."""
    args = parse(argv)
    try:
        commands = read_json(args.folder / COMMANDS)
    except (OSError, ValueError):
        raise InputError(f"{args.folder} has no {COMMANDS}: pack.py kaggle writes it") from None
    if args.step not in commands:
        raise FlagError(f"no step '{args.step}'{suggest(args.step, commands, 'Steps')}")
    kaggle = shutil.which("kaggle")
    if kaggle is None:
        raise MachineError(
            "Kaggle's command line is not installed: pip install kaggle, then put the token of "
            "kaggle.com/settings where it says"
        )
    command = [*commands[args.step]]
    if args.step == "submit":
        command += ["-v", str(args.version)]
    say(make_console(), shlex.join(["kaggle", *command]), "bold")
    return subprocess.run([kaggle, *command], check=False).returncode


if __name__ == "__main__":
    sys.exit(run_script(main))
