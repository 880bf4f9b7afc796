"""Stand-ins for the portfolio's tests."""


class FixedRuns:
    """Nothing can vary."""

    def can_vary(self, run):
        return False
