"""One explained row for people: words for the terminal, a PNG, and a page of HTML."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from seqblend.explaining.rows import Explained
from seqblend.reporting.elements.style import WHOLE, clean, display_labels, styled, to_png
from seqblend.reporting.facts.explanations import shares_of
from seqblend.reporting.figures.token_strips import LINE, draw_row, lay_out
from seqblend.reporting.page import make_environment
from seqblend.store import write_bytes, write_text

_LINES = 60  # of a picture's row; the page has the rest
_TELLING = 5  # tokens named for and against
_TOKEN = 24  # characters of a token on the picture and in words
_INCH = 0.24  # a line of a picture
WHAT = {
    "attention": "what is looked at, by the pooling or through the blocks; neither for nor against",
    "gradients": "integrated gradients of the class's log-odds",
    "occlusion": "what the class's probability loses without the token",
    "ngrams": "the linear model's weights, shared out over the tokens of each n-gram",
}


@dataclass(frozen=True)
class Shown:
    """An explained row in words.

    tokens: the text of each, as many as the explained row has; joint: what stands between two
    facts: sentences above the coloured rows
    """

    title: str
    tokens: list[str]
    joint: str
    explained: Explained
    facts: list[str]

    def shares(self, method: str) -> np.ndarray:
        """float32 [t] in -1..1: how strong each token's colour is."""
        return shares_of(method, self.explained.weights[method])


def describe(explained: Explained, classes: tuple[str, ...], label: int) -> list[str]:
    """Facts in words: the prediction, the label, and how well the gradients add up."""
    names, target = display_labels(classes, 40), explained.target
    facts = [f"predicted {names[target]} with probability {explained.p[target]:.4f}"]
    if label >= 0:
        right = "right" if label == target else f"its label has {explained.p[label]:.4f}"
        facts[0] += f"; labelled {names[label]} ({right})"
    if integral := explained.integral:
        facts.append(
            f"completeness: the gradients sum to {integral.values.sum():+.4f}, the log-odds differ "
            f"by {integral.whole:+.4f} from those of an empty row (gap {integral.gap:.4f}, "
            f"{integral.steps} steps)"
        )
    return facts


def name_telling(tokens: list[str], weights: np.ndarray, method: str) -> str:
    """`for: good +0.310, fine +0.101; against: bad -0.200`; of attention, what is seen most.

    `most: good 0.31, fine 0.12 (an even share is 0.04)`
    """
    if method == "attention":
        order = np.argsort(-weights, kind="stable")[:_TELLING]
        most = ", ".join(f"{_name(tokens[k])} {weights[k]:.4f}" for k in order)
        return f"most: {most} (an even share is {1 / len(weights):.4f})"
    parts = []
    for name, sign in (("for", 1), ("against", -1)):
        order = np.argsort(-sign * weights, kind="stable")[:_TELLING]
        kept = [f"{_name(tokens[k])} {weights[k]:+.4f}" for k in order if sign * weights[k] > 0]
        parts += [f"{name}: {', '.join(kept)}"] if kept else []
    return "; ".join(parts)


def _name(token: str) -> str:
    return clean(token, _TOKEN) or "(empty)"


def draw_explained(shown: Shown) -> Figure:
    """Every method's coloured row, one below the other."""
    tokens = [clean(token, _TOKEN) or "·" for token in shown.tokens]
    places = lay_out(tokens, len(shown.joint), _LINES)
    height = places[-1][1] + 3  # a title, the lines, and a gap
    methods = list(shown.explained.weights)
    figure = Figure(figsize=(WHOLE, 0.5 + _INCH * height * len(methods)), layout="constrained")
    axes = figure.add_subplot()
    for i, method in enumerate(methods):
        title = f"{method}: {WHAT[method]}"
        draw_row(axes, i * height, title, places, shown.shares(method))
    axes.set(xlim=(0, LINE), ylim=(height * len(methods), 0), title=clean(shown.title, 80))
    axes.axis("off")
    return figure


def render_explained(shown: Shown) -> str:
    """A page of HTML; every token stays text."""
    environment = make_environment(Path(__file__).parent)
    methods = [
        (name, WHAT[name], _coloured(shown, name), name_telling(shown.tokens, weights, name))
        for name, weights in shown.explained.weights.items()
    ]
    return environment.get_template("explanation.html.j2").render(
        title=clean(shown.title), facts=shown.facts, methods=methods, joint=shown.joint
    )


def write_explained(folder: Path, name: str, shown: Shown) -> tuple[Path, Path]:
    """Write name.png and name.html; returns where they are."""
    image, page = folder / f"{name}.png", folder / f"{name}.html"
    with styled():
        write_bytes(image, to_png(draw_explained(shown)))
    write_text(page, render_explained(shown))
    return image, page


def _coloured(shown: Shown, method: str) -> list[tuple[str, str, str, str]]:
    """(text, `for` or `against`, percent of colour, weight in words) of each token."""
    weights = shown.explained.weights[method]
    return [
        (clean(token, 400) or "·", "for" if share >= 0 else "against",
         f"{75 * abs(share):.0f}", f"{weight:+.4f}")
        for token, share, weight in zip(
            shown.tokens, shown.shares(method).tolist(), weights.tolist(), strict=True
        )
    ]  # fmt: skip
