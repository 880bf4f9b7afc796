"""Public data sets: their original archives -> folders in competition shape."""
