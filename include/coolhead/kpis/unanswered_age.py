"""Unanswered age, median."""

from coolhead.kpis._backlog import UnansweredAgeQuantile


class UnansweredAge(UnansweredAgeQuantile):
    """How long those who wait for an answer have waited at the end of the day."""

    title, q = "Unanswered age, median", 0.5
    formula = "P50 of the age of complaints and questions of the last 14 days that are open, to the hour"
