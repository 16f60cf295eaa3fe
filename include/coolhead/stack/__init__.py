"""Airflow's four components on loopback, started and stopped by one process; nothing of it imports airflow."""
