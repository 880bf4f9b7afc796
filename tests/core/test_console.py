"""Terminal output: what a narrow terminal leaves out, and what is only guessed."""

import io

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
