"""Which members are trained: all that were named, or those that the blend gains most by."""
