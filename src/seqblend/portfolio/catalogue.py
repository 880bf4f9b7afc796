"""The recipes that the default chooses among, and what is expected of members before any is known.

The order follows what app/learn_portfolio.py learned (src/FIGURES.md); constants were set by hand.
"""

from __future__ import annotations

from seqblend.running.runs import Recipe

_LIGHT = {
    "options.word_dropout": 0.05,
    "options.embedding_dropout": 0.3,
    "train.label_smoothing": 0.05,
}
RECIPES = (  # besides the defaults, whose heavy regularisation is for long rows
    Recipe("light", _LIGHT),  # for short rows, where each token counts
    Recipe("wide", _LIGHT | {"options.hidden": 128}),  # of recurrent networks
    Recipe("wide", _LIGHT | {"options.filters": 256, "options.widths": (2, 3, 4, 5)}),  # of others
    Recipe(  # for few rows: token vectors from all rows, test and unlabelled ones included
        "frozen",
        {
            "embedding.mode": "frozen",
            "options.word_dropout": 0.1,
            "options.embedding_dropout": 0.3,
            "train.label_smoothing": 0.05,
        },
    ),
)
ORDER = (  # in which members are tried, as far as time allows; others follow
    *("rocket", "codons", "positions", "tfidf", "nblr", "chars", "neighbours"),
    *("bilstm_attention light", "bigru_attention wide", "textcnn frozen", "textcnn wide"),
    *("bag light", "kernel", "bilstm_attention wide", "bigru_attention light"),
    *("bilstm_attention", "bigru_attention"),
)

# Seconds of training on all workers together; None: no limit.
PRESETS: dict[str, float | None] = {"quick": 300.0, "default": 1500.0, "best": None}
LEARNED_GAIN = 0.02  # share of the blend's loss that a further network takes off, and its spread
LEAST_GAIN = 0.0005  # share of the blend's loss that a member has to take off
SEED_GAIN = 0.02  # share that the second seed of a member takes off, whose weight is 1
TUNING_GAIN = 0.02  # share that the first variant of a member takes off, whose weight is 1
MOST_SEEDS = 5
