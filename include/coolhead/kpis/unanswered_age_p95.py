"""Unanswered age, 95th percentile."""

from coolhead.kpis._backlog import UnansweredAgeQuantile


class UnansweredAgeP95(UnansweredAgeQuantile):
    """How long those who wait for an answer have waited at the end of the day."""

    title, q = "Unanswered age, 95th percentile", 0.95
    formula = "P95 of the age of complaints and questions of the last 14 days that are open, to the hour"
