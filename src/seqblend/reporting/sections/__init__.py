"""One file a section of the page, and the verdict: which pictures and tables, in which words."""
