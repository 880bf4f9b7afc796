"""Metrics, their standard errors and intervals, paired comparisons, the leaderboard."""
