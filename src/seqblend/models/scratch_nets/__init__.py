"""Recurrent networks from scratch: every forward and backward pass in NumPy alone, to be read."""
