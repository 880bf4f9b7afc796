"""Speed against the usual ways side by side, and what each training setting is worth."""
