"""From finished runs to a report: tables, figures, one page."""
