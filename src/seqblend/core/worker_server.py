"""The first import of the process that worker processes are forked from: it acts at import."""

from seqblend.core.processes import end_with_parent

end_with_parent()
