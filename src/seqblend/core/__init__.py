"""Settings, errors, storage, provenance and console, used by all other folders."""
