"""Sequences, vocabularies, folds, groups of rows, and made-up competitions."""
