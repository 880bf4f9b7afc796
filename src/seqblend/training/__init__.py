"""Fit a model on one fold: batches, steps, recovery, and the kinds of members."""
