"""Diagnostics: what can make the cross-validated score differ from the test score."""
