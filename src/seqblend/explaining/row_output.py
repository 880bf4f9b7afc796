"""One explained row for people: lines on the terminal and a PNG."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure

from seqblend.core.console import Console, say, say_coloured
from seqblend.core.storage import write_bytes
from seqblend.explaining.row_explanation import RowExplanation
from seqblend.explaining.row_lookup import SelectedRow, find_row, read_text
from seqblend.explaining.trained_model import TrainedModel, open_model
from seqblend.reporting.elements.style import clean, display_labels, styled, to_png
from seqblend.reporting.facts.explanations import shares_of
from seqblend.reporting.figures.token_strips import LINE, draw_row, lay_out
from seqblend.running.project import Project

_LINES = 60  # of a picture's row; the terminal has the rest
_STRONGEST = 5  # tokens named for and against
_TOKEN = 24  # characters of a token on the picture and in words
_INCH = 0.21  # a line of a picture
DESCRIPTIONS = {
    "attention": "attention weights, of the pooling or through the blocks; neither for nor against",
    "gradients": "integrated gradients of the class's log-odds",
    "occlusion": "how much the class's probability falls without the token",
    "ngrams": "the linear model's weights, shared by the tokens of each n-gram",
}


@dataclass(frozen=True)
class RowText:
    """An explained row in words.

    tokens: the text of each, as many as the explained row has; joint: the separator of two
    facts: sentences above the coloured rows
    """

    title: str
    tokens: list[str]
    joint: str
    explained: RowExplanation
    facts: list[str]

    def shares(self, method: str) -> np.ndarray:
        """float32 [t] in -1..1: how strong each token's colour is."""
        return shares_of(method, self.explained.weights[method])


def show_row(
    console: Console, project: Project, model: str, *, row: str | None, text: str | None
) -> None:
    """Explain the row with this id, or the text where `row` is None; print and write it."""
    competition = project.competition
    if row is not None:
        selected = find_row(competition, project.fold, row)
    else:
        selected = read_text(competition, text or "", project.config.data)
    opened = open_model(project, model, lambda t: say(console, t, "yellow"), selected.new_tokens)
    found = _explain(opened, selected)
    for note in selected.notes:
        say(console, f"note: {note}", "yellow")
    say(console, found.title, "bold")
    for fact in found.facts:
        say(console, fact)
    for method, weights in found.explained.weights.items():
        say(console, f"{method}: {name_strongest(found.tokens, weights, method)}")
        if console.is_terminal:
            say_coloured(console, found.tokens, found.shares(method).tolist(), found.joint)
    stem = re.sub(r"[^\w-]+", "-", f"{model}-{row or 'text'}")[:80]
    image = project.workspace.explanations / "rows" / f"{stem}.png"
    with styled():
        write_bytes(image, to_png(draw_methods(found)))
    say(console, f"written: {image}", "green")


def _explain(opened: TrainedModel, selected: SelectedRow) -> RowText:
    """The selected row with everything that is said of it."""
    competition, lexicon = opened.project.competition, opened.lexicon
    explained = opened.explain(selected.tokens, selected.fold)
    facts = describe(explained, competition.classes, selected.label)
    if (cut := len(selected.tokens) - len(explained.tokens)) > 0:
        facts.append(f"{cut:,} tokens in the middle or at the ends are cut off, as in training")
    title = f"{opened.result.model}, the member of fold {selected.fold}: {selected.title}"
    joint = "" if competition.view.name == "chars" else " "
    tokens = [lexicon[token] for token in explained.tokens.tolist()]
    return RowText(title, tokens, joint, explained, facts)


def describe(explained: RowExplanation, classes: tuple[str, ...], label: int) -> list[str]:
    """The prediction, the label, and the completeness of the gradients, in words."""
    names, target = display_labels(classes, 40), explained.target
    facts = [f"predicted {names[target]} with probability {explained.p[target]:.4f}"]
    if label >= 0:
        right = "right" if label == target else f"its label has {explained.p[label]:.4f}"
        facts[0] += f"; labelled {names[label]} ({right})"
    if integral := explained.integral:
        facts.append(
            f"completeness: the gradients sum to {integral.values.sum():+.4f}, the log-odds differ "
            f"by {integral.total:+.4f} from those of an empty row (gap {integral.gap:.4f}, "
            f"{integral.steps} steps)"
        )
    return facts


def name_strongest(tokens: list[str], weights: np.ndarray, method: str) -> str:
    """`for: good +0.310, fine +0.101; against: bad -0.200`; of attention, the largest weights.

    `most: good 0.31, fine 0.12 (an even share is 0.04)`
    """
    if method == "attention":
        order = np.argsort(-weights, kind="stable")[:_STRONGEST]
        most = ", ".join(f"{_name(tokens[k])} {weights[k]:.4f}" for k in order)
        return f"most: {most} (an even share is {1 / len(weights):.4f})"
    parts = []
    for name, sign in (("for", 1), ("against", -1)):
        order = np.argsort(-sign * weights, kind="stable")[:_STRONGEST]
        kept = [f"{_name(tokens[k])} {weights[k]:+.4f}" for k in order if sign * weights[k] > 0]
        parts += [f"{name}: {', '.join(kept)}"] if kept else []
    return "; ".join(parts)


def _name(token: str) -> str:
    return clean(token, _TOKEN) or "(empty)"


def draw_methods(row: RowText) -> Figure:
    """Every method's coloured row, one below the other."""
    tokens = [clean(token, _TOKEN) or "·" for token in row.tokens]
    places = lay_out(tokens, len(row.joint), _LINES)
    height = places[-1][1] + 3  # a title, the lines, and a gap
    methods = list(row.explained.weights)
    figure = Figure(figsize=(8.6, 0.5 + _INCH * height * len(methods)), layout="constrained")
    axes = figure.add_subplot()
    for i, method in enumerate(methods):
        title = f"{method}: {DESCRIPTIONS[method]}"
        draw_row(axes, i * height, title, places, row.shares(method))
    axes.set(xlim=(0, LINE), ylim=(height * len(methods), 0), title=clean(row.title, 80))
    axes.axis("off")
    return figure
