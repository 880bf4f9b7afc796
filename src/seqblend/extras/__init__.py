"""Beside a run: speed compared with the usual ways, and public data sets."""
