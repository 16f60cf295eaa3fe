#!/usr/bin/env python3
"""Write `.env`, the secrets of the compose stack: fresh, readable by its owner only, and never over an existing file.

Usage: python3 .docker/make_env.py [PATH]
"""

import base64
import os
import secrets
import sys
from pathlib import Path

HEADER = """\
# Secrets of docker-compose.yaml, drawn by .docker/make_env.py. Keep a copy in a safe place: without AIRFLOW_FERNET_KEY the
# connections stored in Airflow cannot be read again. Letters and digits only: some of them stand in addresses.
"""
PASSWORDS = ("POSTGRES_PASSWORD", "AIRFLOW_DB_PASSWORD", "COOLHEAD_DB_PASSWORD", "REDIS_PASSWORD", "COOLHEAD_ADMIN_PASSWORD")
KEYS = ("AIRFLOW_JWT_SECRET", "AIRFLOW_SECRET_KEY")


def content() -> str:
    """A new set of secrets."""
    drawn = {name: secrets.token_hex(16) for name in PASSWORDS} | {name: secrets.token_hex(32) for name in KEYS}
    drawn["AIRFLOW_FERNET_KEY"] = base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()
    return HEADER + "".join(f"{name}={value}\n" for name, value in drawn.items())


def main() -> int:
    path = Path(sys.argv[1] if len(sys.argv) > 1 else ".env")
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        sys.stderr.write(f"{path} exists and stays as it is; move it away to draw new secrets\n")
        return 1
    with os.fdopen(handle, "w") as file:
        file.write(content())
    sys.stdout.write(f"{path} written; sign in as admin with COOLHEAD_ADMIN_PASSWORD\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
