"""Beside a run: speed compared with the usual loop, and public data sets."""
