"""Check whether the cross-validated score predicts the test score: data first, then finished runs.

python src/doctor.py [--data DIR] [--set folds.groups=auto]
"""

from __future__ import annotations

import sys

import seqblend.core.interrupts  # noqa: F401  first: imports take seconds
from seqblend.app.cli import make_parser, run_script
from seqblend.app.display import show_project
from seqblend.app.doctor import run_diagnostics
from seqblend.app.doctor_display import show_diagnosis
from seqblend.app.load import load_project
from seqblend.core.console import make_console, say


def main(argv: list[str]) -> int:
    """Parse, load, diagnose, show. Returns the exit code."""
    parser = make_parser("Check whether the cross-validated score predicts the test score.")
    args = parser.parse_args(argv)
    args.models, args.is_without_vectors = "nblr", True  # diagnosing needs no token vectors
    console = make_console()
    project = load_project(args, console)
    show_project(console, project)
    found = run_diagnostics(
        project, lambda text: say(console, text, "yellow"), lambda text: say(console, text)
    )
    competition = project.competition
    show_diagnosis(console, found, competition.task, competition.metric)
    say(console, f"all results: {project.workspace.diagnosis}", "green")
    return 0


if __name__ == "__main__":
    sys.exit(run_script(main))
