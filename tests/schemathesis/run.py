#!/usr/bin/env python3
"""Holds the local platform to its OpenAPI description with schemathesis: `tests/schemathesis/run.py`.

Needs Python 3.10 with venv and pip. Builds the local platform, installs schemathesis under target/, starts all on loopback,
and sends what the description allows and what it does not. Ends with 0 if no answer is a server error or
undocumented, with 77 if schemathesis cannot be installed. The seed is fixed: `SCHEMATHESIS_SEED` is another one,
`SCHEMATHESIS_EXAMPLES` another number of calls per operation; further arguments go to schemathesis.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from common import ROOT, environment, local_platform

# The longest run, in seconds; it needs about two minutes.
LONGEST = 600
ADMIN_TOKEN = "schemathesis-admin-token"
CHECKS = "status_code_conformance,content_type_conformance,response_schema_conformance,no_server_error"


def examine(program, hub, folder):
    """Runs schemathesis; its exit status."""
    command = [
        program, "--no-color", "run", ROOT / "infra" / "openapi.json", "--url", hub,
        "--phases", "examples,coverage,fuzzing", "--checks", CHECKS, "--mode", "all", "--workers", "1",
        "--max-examples", os.environ.get("SCHEMATHESIS_EXAMPLES", "40"),
        "--seed", os.environ.get("SCHEMATHESIS_SEED", "1"),
        "--generation-database", "none", "--request-timeout", "20", "--warnings", "off", "--continue-on-failure",
        "--suppress-health-check", "all",
        *sys.argv[1:],
    ]  # fmt: skip
    environ = {
        **os.environ,
        "PYTHONPATH": str(HERE),
        "PYTHONHASHSEED": "0",
        "PYTHONDONTWRITEBYTECODE": "1",
        "SCHEMATHESIS_HOOKS": "hooks",
        "HUB": hub,
        "ADMIN_TOKEN": ADMIN_TOKEN,
    }
    try:
        return subprocess.run([str(word) for word in command], env=environ, cwd=folder, timeout=LONGEST).returncode
    except subprocess.TimeoutExpired:
        sys.exit(f"FAILED: schemathesis was not done within {LONGEST} s")


def main():
    program = environment("schemathesis", HERE / "requirements.txt").parent / "schemathesis"
    # Nothing waits for long: what is asked for is the form of an answer.
    settings = {"ADMIN_TOKEN": ADMIN_TOKEN, "A2A_SYNC_WAIT_SECONDS": "1", "INBOX_WAIT_MAX_SECONDS": "0"}
    with local_platform(**settings) as hub, tempfile.TemporaryDirectory() as folder:
        status = examine(program, hub, folder)
    sys.exit("FAILED: an answer is not as described" if status else 0)


main()
