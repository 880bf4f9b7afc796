"""The members that the default chooses among, in the order in which they are tried."""

from __future__ import annotations

# Seconds of training on all workers together; None: no limit.
PRESETS: dict[str, float | None] = {"quick": 300.0, "default": 1200.0, "best": None}
LEARNED_GAIN = 0.02  # share of the blend's loss that a further network takes off, and its spread
LEAST_GAIN = 0.002  # share of the blend's loss that a member has to take off
SEED_GAIN = 0.02  # share that the second seed of a member takes off, whose weight is 1
MOST_SEEDS = 5
