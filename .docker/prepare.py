"""One-shot init of the compose stack: databases and their roles, the sign-in file, both schemas. Safe to repeat."""

import json
import os
import subprocess
from pathlib import Path

import psycopg
from psycopg import sql

DATABASES = {"airflow": "AIRFLOW_DB_PASSWORD", "coolhead": "COOLHEAD_DB_PASSWORD"}
"""Database (and the role that owns it, and nothing else) -> the variable that holds the role's password."""


def databases() -> None:
    """Each database has a role of its own, so that Airflow's cannot read the store nor the other way round."""
    with psycopg.connect(os.environ["POSTGRES_ADMIN"], autocommit=True) as admin:
        for name, variable in DATABASES.items():
            role, password = sql.Identifier(name), sql.Literal(os.environ[variable])
            if admin.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [name]).fetchone() is None:
                admin.execute(sql.SQL("CREATE ROLE {} LOGIN").format(role))
            # set each time: a new password in .env takes effect with the next `up`
            admin.execute(sql.SQL("ALTER ROLE {} PASSWORD {}").format(role, password))
            if admin.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone() is None:
                admin.execute(sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE template0 ENCODING 'UTF8'").format(role, role))
            admin.execute(sql.SQL("REVOKE CONNECT ON DATABASE {} FROM PUBLIC").format(role))


def sign_in() -> None:
    """The admin's password; those of further users, which Airflow drew and logged once, stay."""
    path = Path(os.environ["AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE"])
    known = json.loads(path.read_text()) if path.exists() else {}
    path.touch(mode=0o600)
    path.write_text(json.dumps({**known, "admin": os.environ["COOLHEAD_ADMIN_PASSWORD"]}) + "\n")


def main() -> None:
    databases()
    sign_in()
    for command in (["airflow", "db", "migrate"], ["coolhead", "migrate"]):
        subprocess.run(command, check=True)


if __name__ == "__main__":
    main()
