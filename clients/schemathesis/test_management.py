"""Schemathesis finds nothing in the management API."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from voxgate import Voxgate

FOLDER = Path(__file__).parent
RUN_SECONDS_MAX = 300


@pytest.mark.timeout(RUN_SECONDS_MAX + 60)
def test_schemathesis_finds_nothing(tmp_path: Path) -> None:
    """What the document says is what the API does: for every value that it allows, and every one that it forbids."""
    server = Voxgate(tmp_path)
    try:
        command = [
            str(Path(sys.executable).parent / "schemathesis"),
            "--config-file",
            str(FOLDER / "schemathesis.toml"),
            "run",
            f"{server.management_url}/openapi.json",
            "--header",
            f"Authorization: Bearer {server.endpoints['management_token']}",
            "--checks",
            "all",
            "--no-color",
        ]
        # The token is the server's own, and dies with it.
        environment = {**os.environ, "SCHEMATHESIS_HOOKS": "hooks", "PYTHONPATH": str(FOLDER)}
        finished = subprocess.run(
            command,
            cwd=tmp_path,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=RUN_SECONDS_MAX,
        )
    finally:
        server.stop()
    print(finished.stdout[-20_000:])
    assert finished.returncode == 0, finished.stdout + finished.stderr
