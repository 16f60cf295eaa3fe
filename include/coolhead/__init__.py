"""Coolhead: social-media crisis management. The domain, pure: it never imports airflow."""
