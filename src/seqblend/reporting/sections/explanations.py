"""The section on explanations: coloured rows, how far methods agree, and the map of tokens."""

from __future__ import annotations

from seqblend.reporting.elements.sections import Block, Section
from seqblend.reporting.elements.style import clean
from seqblend.reporting.facts.explanations import Explanation, rank_agreement
from seqblend.reporting.facts.records import ReportData
from seqblend.reporting.figures.token_map import draw_token_map
from seqblend.reporting.figures.token_strips import draw_strips


def explanations_section(data: ReportData) -> Section:
    """Coloured rows of every explained model, how far its methods agree, and the token map."""
    blocks = []
    if data.texts:
        for explanation in data.explanations:
            pictures = [draw_strips(data, explanation, name) for name in explanation.weights]
            blocks.append(Block(clean(explanation.model, 40), _agreement(explanation),
                                pictures=pictures))  # fmt: skip
        maps = [draw_token_map(data, vectors) for vectors in data.token_vectors]
        if shown := [picture for picture in maps if picture]:
            blocks.append(Block("Map of the most frequent tokens", pictures=shown))
    return Section("explanations", "Explanations", blocks)


def _agreement(explanation: Explanation) -> str:
    """How far the methods agree, in words."""
    parts = [
        f"{one} and {other} {mean:+.2f} (least {least:+.2f}, {rows} rows)"
        for (one, other), (mean, least, rows) in rank_agreement(explanation).items()
    ]
    if not parts:
        return ""
    return (
        f"Rank correlation of the sizes of tokens' weights: {'; '.join(parts)}. Near 0 the two "
        "tell different stories: then believe gradients, whose sum is checked against the "
        "prediction."
    )
