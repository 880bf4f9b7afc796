"""Say how far a cross-validated score can be trusted: rows first, then finished runs.

python src/doctor.py [--data DIR] [--set folds.groups=auto]
"""

from __future__ import annotations

import sys

from seqblend.checkup import examine
from seqblend.commands import make_parser, run_script
from seqblend.console import make_console, say
from seqblend.diagnosis.shown import show_diagnosis
from seqblend.opening import open_from
from seqblend.show import show_project


def main(argv: list[str]) -> int:
    """Parse, load, examine, show. Returns the exit code."""
    parser = make_parser("Say how far a cross-validated score can be trusted.")
    args = parser.parse_args(argv)
    args.models, args.is_without_vectors = "nblr", True  # no token vectors are made for a look
    console = make_console()
    project = open_from(args, console)
    show_project(console, project)
    found = examine(
        project, lambda text: say(console, text, "yellow"), lambda text: say(console, text)
    )
    show_diagnosis(console, found)
    say(console, f"all of it: {project.store.diagnosis}", "green")
    return 0


if __name__ == "__main__":
    sys.exit(run_script(main))
