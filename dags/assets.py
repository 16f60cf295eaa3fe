"""Every asset, declared once; names are the store's tables. An event is a nudge, never a message."""

from airflow.sdk import Asset

MENTION = Asset("mention")
SCORE = Asset("score")
INCIDENT = Asset("incident")
