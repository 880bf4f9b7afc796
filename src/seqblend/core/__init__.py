"""What everything stands on: settings, errors, storage, provenance, the console."""
