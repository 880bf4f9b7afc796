"""Public data sets: from the archive as published to a folder in competition shape."""
