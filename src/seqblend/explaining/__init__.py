"""Which tokens a fitted model's prediction depends on: attention, gradients, occlusion, n-grams."""
