"""The model zoo: one small file an architecture, found through registry.py."""
