"""Check the machine, the folders and what is in input/ before a long run; nothing is trained.

./run.sh doctor [flags of the whole way]    # python src/doctor.py checks the data instead
"""

from __future__ import annotations

import sys
from pathlib import Path

import seqblend.core.interrupts  # noqa: F401  first: imports take seconds
from seqblend.app.cli import add_training_flags, make_parser, run_script
from seqblend.app.load import load_plan
from seqblend.app.machine_checks import (
    PROBLEM,
    MachineCheck,
    check_machine,
    show_checks,
)
from seqblend.app.speed_check import check_speed
from seqblend.core.console import make_console, say
from seqblend.core.errors import InputError, MachineError
from seqblend.core.processes import cores
from seqblend.running.inputs import KAGGLE, find_places
from seqblend.training.devices import find_devices


def main(argv: list[str], kaggle: Path = KAGGLE) -> int:
    """Parse, check, show. Returns the exit code: that of the worst problem."""
    parser = make_parser("Check the machine, the folders and the competition's files.")
    add_training_flags(parser)
    args = parser.parse_args(argv)
    args.plan = True
    console, places = make_console(), find_places(kaggle=kaggle, working=args.working)
    machine = find_devices(args.workers, cores())
    findings = check_machine(places, machine)
    show_checks(console, findings)
    show_checks(console, [check_speed(machine, lambda text: say(console, text))])
    code = MachineError.exit_code if any(f.state == PROBLEM for f in findings) else 0
    try:
        load_plan(args, console, kaggle)
    except InputError as error:
        show_checks(console, [MachineCheck(PROBLEM, "input", str(error))])
        return code or error.exit_code
    return code


if __name__ == "__main__":
    sys.exit(run_script(main))
