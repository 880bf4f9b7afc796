"""Terminal output: what a narrow terminal leaves out, and what is only guessed."""

import io
import os
import subprocess
import sys

import pytest
from conftest import REPOSITORY
from rich.console import Console

from seqblend.core.console import show_findings, show_table
from seqblend.core.findings import Finding


def test_spare_columns_are_left_out_where_the_terminal_is_narrow():
    def shown(width: int) -> str:
        console = Console(file=io.StringIO(), width=width)
        rows = [["bigru_attention", "0.9955", "4", "161.8 s"]]
        columns = ["model", "accuracy", "epochs", "time"]
        show_table(console, "leaderboard", columns, rows, spare=("epochs", "time"))
        return console.file.getvalue()

    assert "161.8 s" in shown(60)
    assert "epochs" not in shown(38)
    assert "161.8 s" in shown(38)
    assert "161.8 s" not in shown(26)
    assert "bigru_attention    0.9955" in shown(26)


def test_a_guess_is_yellow_and_what_the_files_tell_is_not():
    console = Console(file=io.StringIO(), width=100, force_terminal=True, color_system="standard")
    guess = Finding("metric", "rmse", "--metric NAME", "a guess", is_guess=True)
    show_findings(console, [Finding("id", "key"), guess], [])
    lines = console.file.getvalue().splitlines()
    assert [("\x1b[33m" in line) for line in lines if "key" in line or "rmse" in line] == [
        False,
        True,
    ]


@pytest.mark.fault("D3")
@pytest.mark.parametrize(
    ("streams", "environment"),
    [
        (">/dev/full", {}),
        (">/dev/full 2>/dev/full", {}),
        (">&-", {}),
        (">&- 2>&-", {}),
        ("", {"PYTHONIOENCODING": "ascii"}),
        ("", {"PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "LC_ALL": "POSIX"}),
    ],
)
def test_a_script_goes_on_where_its_output_cannot_be_written(tmp_path, streams, environment):
    code = f"""if True:
        import sys
        from pathlib import Path
        from seqblend.core.console import make_console, open_closed_streams, say, say_error
        open_closed_streams()
        console = make_console()
        for _ in range(3):
            say(console, "\\xe4 \\u2026 " * 1_000)
        say_error("\\xe4")
        sys.stdout.flush()
        Path({str(tmp_path / "done")!r}).touch()
        """
    done = subprocess.run(
        ["sh", "-c", f'"$0" -c "$1" {streams}', sys.executable, code],
        env=os.environ | {"PYTHONPATH": str(REPOSITORY / "src")} | environment,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "done").exists()
    if not streams:
        assert b"\\xe4 \\u2026" in done.stdout
