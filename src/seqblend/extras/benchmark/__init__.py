"""Speed against the usual ways side by side."""
