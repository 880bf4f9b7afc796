"""Small made-up reports, and a page as people read it."""

import html
import re

import numpy as np

from seqblend.core.findings import Finding
from seqblend.reporting.facts.records import BlendRecord, ModelRecord, ReportData


def make_probabilities(labels, c, strength, seed):
    """float32 [n, c] that lean towards the label."""
    logits = np.random.default_rng(seed).normal(size=(len(labels), c))
    logits[np.arange(len(labels)), labels] += strength
    odds = np.exp(logits)
    return (odds / odds.sum(1, keepdims=True)).astype(np.float32)


def make_history(epochs, best):
    """Curves that end at `best` validation accuracy."""
    steps = np.linspace(0.5, best, epochs).tolist()
    losses = np.linspace(1.0, 1 - best, epochs).tolist()
    return {
        "epoch": list(range(1, epochs + 1)),
        "train_loss": losses,
        "train_accuracy": steps,
        "valid_loss": losses,
        "valid_accuracy": steps,
    }


def make_report(names=("nblr", "bilstm"), classes=("A", "B", "C"), *, epochs=3, k=3, **changes):
    """A report on 90 rows: every model is better than the one before, the blend is the last."""
    rng = np.random.default_rng(1)
    c, labels, fold = len(classes), np.arange(90) % len(classes), np.arange(90) // 3 % k
    records = [
        ModelRecord(
            name,
            f"{name}-0123456789abcdef",
            make_probabilities(labels, c, 1.0 + 0.8 * i, i),
            [make_history(epochs, 0.8) if name != "nblr" else {} for _ in range(k)],
            [epochs] * k,
            1000,
            2.5,
        )
        for i, name in enumerate(names)
    ]
    fields = {
        "competition": "toy",
        "metric": "accuracy",
        "classes": classes,
        "labels": labels,
        "fold": fold,
        "lengths": rng.integers(5, 60, 90),
        "records": records,
        "blend": BlendRecord(
            "mean",
            make_probabilities(labels, c, 0.2 + 0.8 * len(names), max(len(names) - 1, 0)),
            0.75,
            0.8125,
            [{"method": "mean", "cross_fitted": 0.75, "in_sample": 0.8125, "gap": 0.0625}],
            dict.fromkeys(names, 0.5),
        ),
        "card": [("training rows", "90", "")],
        "findings": [Finding("target", "label", "--set data.target=COLUMN", "not in test")],
        "submission": {"path": "submissions/toy.csv", "rows": 30},
        "command": "./run.sh",
        "environment": {"python": "3.12"},
    }
    return ReportData(**(fields | changes))


def read_page(folder):
    """The text of a report's page: a table's row on one line, its cells joined by ` | `."""
    page = (folder / "index.html").read_text(encoding="utf-8")
    page = re.sub(r"<style>.*?</style>|<svg.*?</svg>|<script>.*?</script>", "", page, flags=re.S)
    page = re.sub(r"</t[dh]>\s*<t[dh]\b[^>]*>", " | ", page)
    return html.unescape(re.sub(r"<[^>]*>", "", page))
