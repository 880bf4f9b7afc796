"""Sequences, vocabularies, folds, groups of rows, and generated demo competitions."""
