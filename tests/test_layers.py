"""The house: imports point down only, and nothing acts at import."""

from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1] / "src" / "seqblend"
LAYERS = [
    "paths errors config faults seeds sources store versions",
    "sequences lexicon formats delimited tables kinds labels schema answers discovery readers demo "
    "dataset",
    "dealing folds vocabulary batching",
    "models",
    "metrics optimise training members devices",
    "units executors scheduling results",
    "simplex blend_methods blending budget",
    "submission records confusion intervals figures style leaderboard sections report_tables "
    "reporting datacard console commands",
    "project pipeline summary show",
]
