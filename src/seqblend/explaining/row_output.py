"""One explained row for people: lines on the terminal and a PNG."""

from __future__ import annotations

import re

import numpy as np

from seqblend.core.console import Console, say, say_coloured
from seqblend.core.storage import write_bytes
from seqblend.data.sequences import show_token
from seqblend.evaluation.score_text import format_score
from seqblend.explaining.row_explanation import RowExplanation
from seqblend.explaining.row_lookup import find_row, read_text
from seqblend.explaining.trained_model import open_model
from seqblend.reporting.elements.style import clean, display_labels, styled, to_png
from seqblend.reporting.facts.explanations import shares_of
from seqblend.reporting.figures.token_strips import Strip, draw_strips
from seqblend.running.project import Project
from seqblend.tasks.task import Task

_LINES = 60  # of a method on the picture; the terminal has the rest
_STRONGEST = 5  # tokens named for and against
_TOKEN = 24  # characters of a token in words
_DESCRIPTIONS = {
    "attention": "attention weights of the pooling; neither for nor against",
    "occlusion": "how much the {prediction} falls without the token",
    "ngrams": "the linear model's weights, shared by the tokens of each n-gram",
}


def show_row(
    console: Console, project: Project, model: str, *, row: str | None, text: str | None
) -> None:
    """Explain the row with this id, or the text where `row` is None; print and write it."""
    competition, task = project.competition, project.competition.task
    if row is not None:
        selected = find_row(competition, project.fold, row)
    else:
        selected = read_text(competition, text or "", project.config.data)
    opened = open_model(project, model, lambda t: say(console, t, "yellow"), selected.new_tokens)
    explained, lexicon = (
        opened.explain(selected.tokens, selected.fold, selected.row),
        opened.lexicon,
    )
    tokens = [show_token(lexicon[token]) for token in explained.tokens.tolist()]
    joint = "" if competition.view.name == "chars" else " "
    for note in selected.notes:
        say(console, f"note: {note}", "yellow")
    title = f"{model}, the member of fold {selected.fold}: {selected.title}"
    say(console, title, "bold")
    truth = competition.targets[selected.row] if selected.row >= 0 else None
    say(console, describe(explained, task, truth))
    if (cut := len(selected.tokens) - len(tokens)) > 0:
        say(console, f"{cut:,} tokens in the middle or at the ends are cut off, as in training")
    strips = []
    for method, weights in explained.weights.items():
        strip = Strip(
            f"{method}: {describe_method(method, task)}", tokens, shares_of(method, weights)
        )
        strips.append(strip)
        has_unit = not task.has_probabilities
        say(console, f"{method}: {name_strongest(tokens, weights, method, has_unit=has_unit)}")
        if console.is_terminal:
            say_coloured(console, tokens, strip.shares.tolist(), joint)
    stem = re.sub(r"[^\w-]+", "-", f"{model}-{row or 'text'}")[:80]
    image = project.workspace.explanations / "rows" / f"{stem}.png"
    with styled():
        write_bytes(image, to_png(draw_strips(title, strips, len(joint), _LINES)))
    say(console, f"written: {image}", "green")


def describe_method(method: str, task: Task) -> str:
    """What the weights of a method are."""
    noun = task.column_name[0]
    prediction = f"{noun}'s probability" if task.has_probabilities else "prediction"
    return _DESCRIPTIONS[method].format(prediction=prediction)


def describe(explained: RowExplanation, task: Task, truth: np.ndarray | None) -> str:
    """The prediction, and the row's targets where they are known, in words."""
    names, target, p = display_labels(task.columns, 40), explained.target, explained.p
    if not task.has_classes:
        has_unit = not task.has_probabilities
        what = "" if has_unit else "with probability "
        true = "" if truth is None else f"; its true value is {truth[target]:g}"
        return f"predicted {names[target]} {what}{format_score(p[target], has_unit=has_unit)}{true}"
    predicted = f"predicted {names[target]} with probability {p[target]:.4f}"
    if truth is None:
        return predicted
    right = "right" if truth == target else f"its label has {p[truth]:.4f}"
    return f"{predicted}; labelled {names[truth]} ({right})"


def name_strongest(
    tokens: list[str], weights: np.ndarray, method: str, *, has_unit: bool = False
) -> str:
    """`for: good +0.310, fine +0.101; against: bad -0.200`; of attention, the largest weights.

    `most: good 0.31, fine 0.12 (an even share is 0.04)`

    has_unit: weights other than attention's are in the target's unit, of any size
    """
    if method == "attention":
        order = np.argsort(-weights, kind="stable")[:_STRONGEST]
        most = ", ".join(f"{_name(tokens[k])} {weights[k]:.4f}" for k in order)
        return f"most: {most} (an even share is {1 / len(weights):.4f})"
    parts = []
    for name, sign in (("for", 1), ("against", -1)):
        order = np.argsort(-sign * weights, kind="stable")[:_STRONGEST]
        kept = [
            f"{_name(tokens[k])} {format_score(weights[k], has_unit=has_unit, is_signed=True)}"
            for k in order
            if sign * weights[k] > 0
        ]
        parts += [f"{name}: {', '.join(kept)}"] if kept else []
    return "; ".join(parts)


def _name(token: str) -> str:
    return clean(token, _TOKEN) or "(empty)"
