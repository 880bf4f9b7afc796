"""Write the report on the finished runs of these data: index.html, report.md and pictures.

python src/report.py [--data DIR] [--solution FILE]
"""

from __future__ import annotations

import sys

from seqblend.commands import command_line, make_parser, run_script
from seqblend.console import make_console, say
from seqblend.opening import open_from
from seqblend.pipeline import blend_finished
from seqblend.show import show_outcome


def main(argv: list[str]) -> int:
    """Parse, load, report. Returns the exit code."""
    parser = make_parser("Write the report on finished runs.")
    parser.add_argument("--models", metavar="A,B", help="only these models")
    args = parser.parse_args(argv)
    console = make_console()
    project = open_from(args, console)
    chosen = project.config.models if args.models else None
    outcome = blend_finished(project, lambda text: say(console, text, "yellow"), chosen, None)
    show_outcome(console, project, outcome, command_line(argv, "report.py"))
    return 0


if __name__ == "__main__":
    sys.exit(run_script(main))
