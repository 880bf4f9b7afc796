"""Blend members' probabilities, and score the blend on rows that chose nothing of it."""
