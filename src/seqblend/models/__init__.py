"""The models: one file per architecture, found through registry.py."""
