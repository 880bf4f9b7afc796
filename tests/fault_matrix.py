"""`pytest --faults`: every test that injects a fault, slow ones too, and a table of what was seen.

A test names the faults that it injects: `@pytest.mark.fault("C1", "R2")`. The exit code is not 0
where a fault of the table below has no test that passed, so run all files with it.
"""

from __future__ import annotations

import textwrap
from collections.abc import Generator, Iterable, Iterator

import pytest

# name: (what is injected, what is expected then)
FAULTS = {
    "C1": ("kill -9 at each point", "same command again: the same bytes"),
    "C2": ("SIGTERM or Ctrl-C in an epoch", "143 or 130 in 5 s, one line of advice"),
    "C3": ("the time budget is reached", "valid submission, code 4, gaps named"),
    "C4": ("a worker process is killed", "named, tried once more, others go on"),
    "C5": ("two runs in one folder", "the second refuses, naming the first"),
    "C6": ("other settings, data or folds", "another run, nothing overwritten"),
    "F1": ("artefacts cut, empty or flipped", "set aside, never loaded, made again"),
    "F2": ("a token cache that is stale", "known by its content, made again"),
    "F3": ("stored predictions gone or wrong", "made again or refused; joined by id"),
    "F4": ("a search's journal torn, locked", "rebuilt; a killed trial runs again"),
    "D1": ("the disk is full at a writer", "old file whole; path and bytes told"),
    "D2": ("output read-only, gone or a file", "one clear line before any training"),
    "D3": ("standard output is closed", "training goes on to its end"),
    "M1": ("no memory for a batch", "computed in parts, same gradient"),
    "M2": ("a row of a million tokens", "cut, counted, memory bounded"),
    "N1": ("loss or gradient not finite", "back at half the rate, then an error"),
    "N2": ("one class in validation", "undefined scores are told so"),
    "I1": ("empty, blank or unknown rows", "one token, finite answer, counted"),
    "I2": ("test tokens that are new", "works, and says how many"),
    "I3": ("missing texts; texts such as NA", "missing is empty; NA stays a text"),
    "L1": ("a label column misspelt", "columns and nearest name listed"),
    "L2": ("labels NaN, infinite or mixed", "error with count and first row"),
    "L3": ("one class; rows fewer than folds", "error with the numbers"),
    "L4": ("classes smaller than the folds", "listed, stay in training, all scored"),
    "L5": ("1,000 classes, 5,000 rows", "runs in bounded memory"),
    "S1": ("ids twice, missing or unknown", "each id once, in the sample's order"),
    "S2": ("ids as 007, =1, commas, breaks", "the same bytes in the submission"),
    "S3": ("predictions that are none", "refused"),
    "E1": ("encodings, archives, broken files", "read, or one line with the place"),
    "E2": ("columns moved, added or twice", "read by name; twice is an error"),
    "K1": ("duplicates and groups over folds", "one fold; random labels gain nothing"),
    "K2": ("validation rows changed", "what was fitted keeps its bytes"),
    "K3": ("test rows in train; telling ids", "reported"),
    "K4": ("labels shuffled", "chance, for each model and the blend"),
    "X1": ("a pickle among the artefacts", "never executed"),
    "X2": ("HTML, formulas, escapes, 1 MB", "shown as text, defused in tables"),
    "R1": ("seed, processes, batch, row order", "same bytes or equal to 1e-5, bf16 2e-2"),
    "R2": ("interrupted and resumed", "the bytes of an undisturbed run"),
    "R3": ("no bf16, GPU or writable HOME", "falls back, says so, same results"),
    "R4": ("other locale, zone, hash, clock", "no effect"),
}
COLUMNS = {"fault": 5, "injected": 33, "expected": 38, "seen": 15}  # widths, in characters
OUTCOMES = ("passed", "failed", "error", "skipped", "xfailed", "xpassed")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the flag."""
    parser.addoption(
        "--faults",
        action="store_true",
        help="run every test that injects a fault, slow ones too, and show a table of all faults",
    )


def pytest_configure(config: pytest.Config) -> None:
    """With the flag, the marker alone selects: it takes the place of -m in .pytest.ini."""
    if config.option.faults:
        config.option.markexpr = "fault"


@pytest.hookimpl(wrapper=True)
def pytest_pycollect_makeitem() -> Generator[None, object, object]:
    """Refuse a name that the table lacks, as an error of the file that has it."""
    made = yield
    for node in made if isinstance(made, list) else [made]:
        for marker in node.iter_markers("fault") if isinstance(node, pytest.Item) else ():
            if not marker.args or set(marker.args) - set(FAULTS):
                raise pytest.Collector.CollectError(
                    f"{node.name}: expected names of the table in tests/fault_matrix.py, "
                    f"got fault{marker.args}. They are {', '.join(FAULTS)}"
                )
    return made


def pytest_itemcollected(item: pytest.Item) -> None:
    """Let the reports of a test carry its faults, from another process too (pytest-xdist)."""
    names = {name for marker in item.iter_markers("fault") for name in marker.args}
    item.user_properties.extend(("fault", name) for name in sorted(names))


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A fault without a test that passed is a failure."""
    reporter = _reporter(session.config)
    if reporter is None or session.exitstatus != pytest.ExitCode.OK:
        return
    if not all(count_outcomes(reporter, name).get("passed") for name in FAULTS):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Show the table."""
    if _reporter(config) is None:
        return
    terminalreporter.section("faults")
    for line in (tuple(COLUMNS), tuple("-" * width for width in COLUMNS.values())):
        terminalreporter.write_line(*wrap_line(line))
    for name, texts in FAULTS.items():
        counts = count_outcomes(terminalreporter, name)
        seen = ", ".join(f"{count} {outcome}" for outcome, count in counts.items()) or "no test"
        for line in (*wrap_line((name, *texts, seen)), *remark(terminalreporter, name, counts)):
            terminalreporter.write_line(line)


def _reporter(config: pytest.Config) -> pytest.TerminalReporter | None:
    """What knows all reports; None without the flag, in a worker and where nothing is run."""
    if not config.option.faults or config.option.collectonly:
        return None
    return config.pluginmanager.get_plugin("terminalreporter")


def reports_of(reporter: pytest.TerminalReporter, name: str, outcome: str) -> list:
    """The reports with an outcome, of tests that inject a fault."""
    reports = reporter.stats.get(outcome, [])
    return [report for report in reports if name in _faults_of(report)]


def _faults_of(report: object) -> Iterator[str]:
    """The faults that a report's test injects; none for the report of a file."""
    return (value for key, value in getattr(report, "user_properties", ()) if key == "fault")


def count_outcomes(reporter: pytest.TerminalReporter, name: str) -> dict[str, int]:
    """{outcome: how many tests} of a fault, without zeros."""
    counts = {outcome: len(reports_of(reporter, name, outcome)) for outcome in OUTCOMES}
    return {outcome: count for outcome, count in counts.items() if count}


def remark(reporter: pytest.TerminalReporter, name: str, outcomes: Iterable[str]) -> Iterator[str]:
    """Lines below a fault's own: `failed: test_x[a]`, or why tests were skipped."""
    for outcome in outcomes:
        found = (_explain(report, outcome) for report in reports_of(reporter, name, outcome))
        text = ", ".join(dict.fromkeys(filter(None, found)))
        for line in textwrap.wrap(f"{outcome}: {text}", 92) if text else ():
            yield f"      | {line}"


def _explain(report: pytest.TestReport, outcome: str) -> str:
    """The test's name where something is wrong, the reason where it was not run."""
    if outcome == "skipped":
        return report.longrepr[2].removeprefix("Skipped: ")
    if outcome == "xfailed":
        return report.wasxfail
    return "" if outcome == "passed" else report.nodeid.rpartition("::")[2]


def wrap_line(cells: tuple[str, ...]) -> Iterator[str]:
    """The lines of a row of the table, each cell wrapped to its column."""
    widths = list(COLUMNS.values())
    wrapped = [textwrap.wrap(cell, width) for cell, width in zip(cells, widths, strict=True)]
    for i in range(max(map(len, wrapped))):
        line = [lines[i] if i < len(lines) else "" for lines in wrapped]
        texts = (text.ljust(width) for text, width in zip(line, widths, strict=True))
        yield " | ".join(texts).rstrip()
