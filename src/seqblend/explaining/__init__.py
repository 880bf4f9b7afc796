"""Which tokens a fitted model's prediction depends on: attention, occlusion, n-grams."""
