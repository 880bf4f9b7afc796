"""Units of work: planned, scheduled, run by worker processes, gathered into runs."""
