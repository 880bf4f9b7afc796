"""Write the report on the finished runs of these data: index.html and pictures.

python src/report.py [--data DIR] [--solution FILE]
"""

from __future__ import annotations

import sys

import seqblend.core.interrupts  # noqa: F401  first: imports take seconds
from seqblend.app.cli import command_line, make_parser, run_script
from seqblend.app.display import show_finished
from seqblend.app.finish import finish_run
from seqblend.app.load import load_project
from seqblend.app.pipeline import blend_finished
from seqblend.core.console import make_console, say


def main(argv: list[str]) -> int:
    """Parse, load, report. Returns the exit code."""
    parser = make_parser("Write the report on finished runs.")
    parser.add_argument("--models", metavar="A,B", help="only these models")
    args = parser.parse_args(argv)
    console = make_console()
    project = load_project(args, console)
    chosen = project.config.models if args.models else None
    outcome = blend_finished(project, lambda text: say(console, text, "yellow"), chosen, None)
    command = command_line(argv, "report.py")
    finished = finish_run(project, outcome, command, note=lambda text: say(console, text))
    show_finished(console, project, outcome, finished)
    return 0


if __name__ == "__main__":
    sys.exit(run_script(main))
