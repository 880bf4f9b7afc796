"""Terminal output: what a narrow terminal leaves out."""

import io

from rich.console import Console

from seqblend.core.console import show_table


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
