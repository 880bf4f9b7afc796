"""Settings with which a network is small enough for the tests of searches."""

SMALL = [
    "options.hidden=4",
    "options.width=8",
    "train.max_epochs=3",
    "train.precision=float32",
    "vocabulary.min_count=1",
    "embedding.path=none",
]
