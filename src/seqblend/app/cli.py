"""The command line that the scripts share: flags, configuration, signals and exit codes."""

from __future__ import annotations

import argparse
import dataclasses
import os
import re
import shlex
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from seqblend.core.config import Config, configure, parse_assignments, read_toml
from seqblend.core.console import open_closed_streams, say_error
from seqblend.core.errors import FlagError, InputError, nearest, suggest
from seqblend.core.locking import release_locks
from seqblend.evaluation.metrics import check_metric, metric_names
from seqblend.models.model_groups import check_models
from seqblend.models.registry import entries, resolve_options
from seqblend.portfolio.catalogue import PRESETS

_UNITS = {"s": 1, "m": 60, "h": 3600}
_LONGEST = 1e7  # seconds of a time flag: four months
_began: float | None = None  # see began()
_TOP_LEVEL: dict[str, tuple[str, Callable[[Any], bool]]] = {  # of a TOML file, outside its tables
    "models": (
        'a text such as "bilstm,nblr" or a list of such names',
        lambda value: bool(value) and all(isinstance(name, str) for name in _names_in(value)),
    ),
    "seeds": ("a whole number from 1 on", lambda value: type(value) is int and value >= 1),
    "metric": ("a name in quotes", lambda value: isinstance(value, str)),
}


def _names_in(value: Any) -> list[Any]:
    """The entries of a list; anything else as the only entry."""
    return value if isinstance(value, list) else [value]


class Stopped(BaseException):
    """A signal asked the process to stop."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


class _Parser(argparse.ArgumentParser):
    """argparse whose errors are one line that names the nearest flag."""

    def error(self, message: str) -> None:
        """FlagError in place of usage and exit."""
        known = [flag for action in self._actions for flag in action.option_strings]
        for action in self._actions:  # unknown flags of a subcommand are reported here
            if isinstance(action, argparse._SubParsersAction):
                known += [f for sub in action.choices.values() for f in sub._option_string_actions]
        wrong = re.search(r"unrecognized arguments: (\S+)", message)
        close = nearest(wrong[1], known) if wrong else ""
        raise FlagError(f"{message}{close or '.'} See --help")


def make_parser(description: str) -> argparse.ArgumentParser:
    """A parser with the flags that every step understands."""
    parser = _Parser(description=description, allow_abbrev=False)
    add = parser.add_argument
    add("--data", type=Path, metavar="DIR", help="the folder with the competition's files")
    add(
        "--metric",
        default="",
        metavar="NAME",
        help=f"{', '.join(metric_names())}, FILE.py:function",
    )
    add("--folds", type=int, metavar="K", help="folds; 1: a hold-out of 20 %%")
    add("--workers", type=int, default=0, metavar="N", help="processes; 0: one per core or GPU")
    add("--working", type=Path, metavar="DIR", help="where everything but submissions is kept")
    add("--config", type=Path, metavar="FILE", help="settings in TOML")
    add(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        dest="settings",
        help="one setting, such as train.lr=1e-3 or bilstm.hidden=96",
    )
    add("--solution", type=Path, metavar="FILE", help="the test labels: adds test scores")
    return parser


def make_subcommand_parser(description: str) -> argparse.ArgumentParser:
    """A parser without the common flags."""
    return _Parser(description=description, allow_abbrev=False)


def add_training_flags(parser: argparse.ArgumentParser) -> None:
    """The flags of the steps that train."""
    add = parser.add_argument
    add("--models", metavar="A,B", help="models and groups (default, classic, all)")
    add(
        "--preset",
        metavar="NAME",
        help="quick, default or best: 5 or 25 minutes of training, or all that pays",
    )
    add("--seeds", type=int, metavar="N", help="seeds per model")
    add(
        "--budget",
        metavar="TIME",
        help="such as 30m: members are chosen for it, none starts that would end later",
    )
    add("--untuned", action="store_true", help="ignore settings that the tuner found")
    add("--plan", action="store_true", help="print the plan, and stop")


def make_config(args: argparse.Namespace) -> Config:
    """The configuration: defaults, then --config, then --set, then the other flags."""
    config = Config()
    tables = read_toml(args.config) if args.config else {}
    top = {key: tables.pop(key) for key in _TOP_LEVEL if key in tables}
    _check_top_level(top, args.config)
    for key, value in tables.items():
        if not isinstance(value, dict):
            raise FlagError(f"{args.config}: '{key}' expects a table such as [train]")
    names = list(entries())
    config = configure(config, tables, names)
    config = configure(config, parse_assignments(args.settings), names)
    models = getattr(args, "models", None) or top.get("models")
    if models:
        parts = models.split(",") if isinstance(models, str) else models
        config = dataclasses.replace(config, models=tuple(dict.fromkeys(p.strip() for p in parts)))
    check_models(config.models)
    config = dataclasses.replace(config, preset=_preset(getattr(args, "preset", None), config))
    for name in names:
        resolve_options(name, config.options)
    folds = args.folds if args.folds is not None else config.folds.count
    seeds = getattr(args, "seeds", None)
    seeds = top.get("seeds", config.seeds) if seeds is None else seeds
    if folds < 1 or seeds < 1 or args.workers < 0:
        raise FlagError("--folds and --seeds expect at least 1, --workers at least 0")
    metric = args.metric or top.get("metric", "")
    if metric:
        check_metric(metric)
    folded = dataclasses.replace(config.folds, count=folds)
    return dataclasses.replace(config, folds=folded, seeds=seeds, metric=metric)


def _preset(wanted: str | None, config: Config) -> str:
    """The preset, empty where models are named; FlagError for an unknown one, or for both."""
    is_open = config.models == ("default",)
    if wanted is not None and wanted not in PRESETS:
        raise FlagError(f"no preset '{wanted}'{suggest(wanted, PRESETS, 'Presets')}")
    if wanted is not None and not is_open:
        raise FlagError("--preset chooses among models: leave out either it or --models")
    return (wanted or "auto") if is_open else ""


def _check_top_level(values: dict[str, Any], path: Path) -> None:
    """FlagError where a setting outside the TOML file's tables has another type than it needs."""
    for key, value in values.items():
        expected, is_valid = _TOP_LEVEL[key]
        if not is_valid(value):
            raise FlagError(f"{path}: {key} expects {expected}, got {value!r}")


def parse_seconds(text: str | None, flag: str = "--budget") -> float | None:
    """`30m`, `1.5h`, `90s` or plain seconds, in seconds; None for None."""
    if text is None:
        return None
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([smh]?)", text.strip().lower())
    seconds = float(match[1]) * _UNITS[match[2] or "s"] if match else 0.0
    if not 0 < seconds <= _LONGEST:
        raise FlagError(f"{flag} expects a time such as 30m, 1.5h or 90s, got '{text}'")
    return seconds


def began() -> float:
    """When the command began, as time.monotonic() tells it; outside of one, now."""
    return time.monotonic() if _began is None else _began


def _process_age() -> float:
    """Seconds since this process was started, imports and run.sh included; 0 where unknown."""
    try:
        ticks = int(Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19])
    except (OSError, ValueError, IndexError):
        return 0.0
    return time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")


def command_line(argv: list[str], script: str) -> str:
    """The command as it would be typed."""
    return shlex.join(["python", f"src/{script}", *argv])


def run_script(main: Callable[[list[str]], int], argv: list[str] | None = None) -> int:
    """Call a script's main; errors a user can correct become one line and an exit code."""
    global _began
    _began = time.monotonic() - (_process_age() if argv is None else 0.0)
    open_closed_streams()
    previous = {number: signal.signal(number, _stop) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        return main(sys.argv[1:] if argv is None else argv)
    except InputError as error:
        say_error(str(error))
        return error.exit_code
    except Stopped as stop:
        say_error(
            f"stopped by {signal.Signals(stop.number).name}. Finished units are kept: "
            "type the same command again to go on"
        )
        return 128 + stop.number
    finally:
        _began = None
        release_locks()
        for number, handler in previous.items():
            signal.signal(number, handler)


def _stop(number: int, _frame: object) -> None:
    """The first signal stops cleanly; a second one, of either kind, ends the process at once."""
    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, signal.SIG_DFL)
    raise Stopped(number)
