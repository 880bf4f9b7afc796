"""The tuner: proposes configurations, prunes the hopeless ones and confirms the best (Optuna)."""
