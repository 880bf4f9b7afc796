"""Small made-up reports, and a page as people read it."""

import html
import re

import numpy as np

from seqblend.core.findings import Finding
from seqblend.diagnosis.cards import MemberCard
from seqblend.diagnosis.record import Diagnosis
from seqblend.evaluation.metrics import score as score_of
from seqblend.reporting.facts.records import BlendRecord, ModelRecord, ReportData
from seqblend.tasks.task import task_for


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
        "task": task_for("single_label", classes),
        "targets": labels,
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


def make_task_report(name, columns=(), *, seed=0, **changes):
    """A report on 120 rows of another task: nblr and bigru, which is better, and their mean."""
    rng, n = np.random.default_rng(seed), 120
    columns = columns or {"multi_label": ("toxic", "rude", "odd"), "ordinal": tuple("1234")}.get(
        name, ("price", "size")
    )
    score = rng.normal(size=(n, len(columns)))
    if name == "regression":
        targets = score * 2 + 5
        arrays = [targets + s * rng.normal(size=targets.shape) for s in (1.0, 0.6)]
    elif name == "multi_label":
        targets = (score > 0.5).astype(np.int64)
        logits = [2 * score - 1 + s * rng.normal(size=score.shape) for s in (1.5, 0.8)]
        arrays = [1 / (1 + np.exp(-each)) for each in logits]
    else:
        targets = rng.permutation(np.arange(n) % len(columns))
        arrays = [make_probabilities(targets, len(columns), 1.0 + i, i) for i in (0, 1)]
    history = {"epoch": [1, 2], "train_loss": [0.5, 0.4], "valid_loss": [0.5, 0.45]}
    history["valid_temperature"] = [[1.0] * len(columns)] * 2
    records = [
        ModelRecord("nblr", "nblr-0123", arrays[0].astype(np.float32), [{}] * 3, [0] * 3, 10, 1.0),
        ModelRecord(
            "bigru", "bigru-01", arrays[1].astype(np.float32), [history] * 3, [2] * 3, 9, 2.0
        ),
    ]
    task = task_for(name, columns)
    fold, oof = np.arange(n) % 3, (arrays[0] + arrays[1]) / 2
    metric = {"multi_label": "mean_auc", "ordinal": "qwk", "regression": "rmse"}[name]
    weights = {"nblr": 0.5, "bigru": 0.5}
    fields = {
        "competition": "toy",
        "metric": metric,
        "task": task,
        "targets": targets,
        "fold": fold,
        "lengths": rng.integers(5, 60, n),
        "records": records,
        "blend": BlendRecord("mean", oof, score_of(metric, targets, oof), None, weights=weights),
        "diagnosis": Diagnosis([], cards=[MemberCard("nblr", 0.5, 0.01, 0.0, 0.02, 0.125)]),
    }
    return ReportData(**(fields | changes))


def refuse_failures(note: str) -> None:
    """A `note` for finish_run, where no part of it may fail."""
    assert "could not be made" not in note, note
