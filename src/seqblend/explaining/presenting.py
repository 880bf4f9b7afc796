"""What explain.py says and writes: of one row that was named, or of the errors for the report."""

from __future__ import annotations

import re

import numpy as np

from seqblend.console import Console, say, say_coloured
from seqblend.explaining.choosing import explain_errors
from seqblend.explaining.members import OpenedModel, open_model
from seqblend.explaining.naming import NamedRow, name_row, name_text
from seqblend.explaining.rows import gather
from seqblend.explaining.shown import Shown, describe, name_telling, write_explained
from seqblend.project import Project
from seqblend.reporting.facts.explanations import Explanation, rank_agreement


def present_row(
    console: Console, project: Project, model: str, *, row: str | None, text: str | None
) -> None:
    """Explain the row with this id, or where it is None the text: coloured lines, PNG, HTML."""
    competition = project.competition
    if row is not None:
        named = name_row(competition, project.fold, row)
    else:
        named = name_text(competition, text or "", project.config.data)
    opened = open_model(project, model, lambda t: say(console, t, "yellow"), named.further)
    shown = _explain(opened, named)
    for note in named.notes:
        say(console, f"note: {note}", "yellow")
    say(console, shown.title, "bold")
    for fact in shown.facts:
        say(console, fact)
    for method, weights in shown.explained.weights.items():
        say(console, f"{method}: {name_telling(shown.tokens, weights, method)}")
        if console.is_terminal:
            say_coloured(console, shown.tokens, shown.shares(method).tolist(), shown.joint)
    folder = project.store.explanations / "rows"
    stem = re.sub(r"[^\w-]+", "-", f"{model}-{row or 'text'}")[:80]
    image, page = write_explained(folder, stem, shown)
    say(console, f"written: {image}, {page.name}", "green")


def present_errors(console: Console, project: Project, model: str) -> None:
    """Explain the worst errors and a few right rows; the arrays are what the report reads."""
    note = lambda text: say(console, text, "yellow")  # noqa: E731
    opened = open_model(project, model, note)
    explanation, gaps = explain_errors(opened, note, lambda text: say(console, text))
    if gaps:
        say(console, f"completeness: the gradients' sums are off by {max(gaps):.4f} at most, "
            f"{np.mean(gaps):.4f} in the mean, in log-odds")  # fmt: skip
    _say_agreement(console, explanation)
    where = project.store.explanations / f"{model}.npz"
    say(console, f"{len(explanation.rows)} rows: {where}; python src/report.py shows them", "green")


def _explain(opened: OpenedModel, named: NamedRow) -> Shown:
    """The named row with everything that is said of it."""
    competition, model = opened.project.competition, opened.run.model
    explained = opened.explain(named.tokens, named.fold)
    facts = describe(explained, competition.classes, named.label)
    if (left := len(named.tokens) - len(explained.tokens)) > 0:
        facts.append(f"{left:,} tokens in the middle or at the ends are cut off, as in training")
    agreement = rank_agreement(gather(model, np.array([named.row]), [explained]))
    facts += [f"rank correlation of {a} and {b}: {mean:+.2f}"
              for (a, b), (mean, _, _) in agreement.items()]  # fmt: skip
    lexicon, joint = opened.lexicon, "" if competition.view.name == "chars" else " "
    return Shown(
        f"{model}, the member of fold {named.fold}: {named.title}",
        [lexicon[token] for token in explained.tokens.tolist()], joint, explained, facts,
    )  # fmt: skip


def _say_agreement(console: Console, explanation: Explanation) -> None:
    for (one, other), (mean, least, rows) in rank_agreement(explanation).items():
        say(console, f"rank correlation of {one} and {other}: {mean:+.2f} in the mean of {rows} "
            f"rows, {least:+.2f} at least")  # fmt: skip
