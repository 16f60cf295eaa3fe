"""The crisis desk: pages inside Airflow."""
