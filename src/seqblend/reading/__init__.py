"""Reads the files of a competition: formats, columns, labels and tokens."""
