"""Show which tokens a prediction depends on: of one row, of a text, or of the report's errors.

python src/explain.py --model NAME --row ID [--data DIR]
python src/explain.py --model NAME --text "a text of your own"   # or its ids: "12 7 99"
python src/explain.py --model NAME   # the worst errors and some right rows, for the report
"""

from __future__ import annotations

import sys

import seqblend.core.interrupts  # noqa: F401  first: imports take seconds
from seqblend.app.cli import make_parser, run_script
from seqblend.app.load import load_project
from seqblend.core.console import make_console
from seqblend.core.errors import FlagError
from seqblend.explaining.report_rows import explain_errors
from seqblend.explaining.row_output import show_row
from seqblend.explaining.trained_model import check_model


def main(argv: list[str]) -> int:
    """Parse, load, explain, show. Returns the exit code."""
    parser = make_parser("Show which tokens a prediction depends on.")
    parser.add_argument("--model", required=True, metavar="NAME", help="a model that was trained")
    parser.add_argument("--row", metavar="ID", help="a training or test row's id")
    parser.add_argument("--text", metavar="TEXT", help="any text, or token ids separated by spaces")
    args = parser.parse_args(argv)
    if args.row is not None and args.text is not None:
        raise FlagError("expected --row or --text, got both: leave one out")
    check_model(args.model)
    args.models, args.is_without_vectors = args.model, True  # explaining makes no token vectors
    console = make_console()
    project = load_project(args, console)
    if args.row is not None or args.text is not None:
        show_row(console, project, args.model, row=args.row, text=args.text)
    else:
        explain_errors(console, project, args.model)
    return 0


if __name__ == "__main__":
    sys.exit(run_script(main))
