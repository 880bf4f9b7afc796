"""The section on explanations: rows coloured by each token's weight."""

from __future__ import annotations

from seqblend.reporting.elements.blocks import Block, Section
from seqblend.reporting.elements.style import clean
from seqblend.reporting.facts.records import ReportData
from seqblend.reporting.figures.token_strips import draw_strips

_LEAD = "Each token is coloured by how much it speaks for the class that is explained."


def explanations_section(data: ReportData) -> Section:
    """Coloured rows of every explained model."""
    blocks = []
    for explanation in data.explanations if data.texts else []:
        pictures = [draw_strips(data, explanation, name) for name in explanation.weights]
        blocks.append(Block(clean(explanation.model, 40), pictures=pictures))
    return Section("explanations", "Explanations", blocks, _LEAD)
