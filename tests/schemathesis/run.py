#!/usr/bin/env python3
"""Holds the local platform to its OpenAPI description with schemathesis: `tests/schemathesis/run.py`.

Needs Python 3.10 with venv and pip. Builds the local platform, installs schemathesis under target/, starts all on loopback,
and sends what the description allows and what it does not. Ends with 0 if no answer is a server error or
undocumented, with 77 if schemathesis cannot be installed. The seed is fixed: `SCHEMATHESIS_SEED` is another one,
`SCHEMATHESIS_EXAMPLES` another number of calls per operation; further arguments go to schemathesis.
"""

import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
import venv
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
# The exit status that says: not run, for want of schemathesis.
MISSING = 77
# The longest run, in seconds; it needs about two minutes.
LONGEST = 600
ADMIN_TOKEN = "schemathesis-admin-token"
CHECKS = "status_code_conformance,content_type_conformance,response_schema_conformance,no_server_error"


def environment():
    """The folder of programs of a virtual environment with schemathesis."""
    folder, wanted = ROOT / "target" / "schemathesis", HERE / "requirements.txt"
    programs, mark = folder / "bin", folder / "installed.txt"
    if not (mark.exists() and mark.read_text() == wanted.read_text()):
        try:
            venv.create(folder, with_pip=True)
            subprocess.run([programs / "python", "-m", "pip", "install", "--quiet", "-r", wanted], check=True)
        except subprocess.CalledProcessError as failure:
            print(f"schemathesis cannot be installed: {failure}", file=sys.stderr)
            sys.exit(MISSING)
        mark.write_text(wanted.read_text())
    return programs


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until_up(hub):
    end = time.monotonic() + 60
    while time.monotonic() < end:
        try:
            with urllib.request.urlopen(f"{hub}/health", timeout=5):
                return
        except OSError:
            time.sleep(0.1)
    sys.exit("FAILED: the platform was not there within 60 s")


def examine(programs, hub, folder):
    """Runs schemathesis; its exit status."""
    command = [
        programs / "schemathesis", "--no-color", "run", ROOT / "infra" / "openapi.json", "--url", hub,
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
    subprocess.run(["cargo", "build", "--quiet", "-p", "local"], check=True, cwd=ROOT)
    programs = environment()
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    with tempfile.TemporaryDirectory() as folder:
        port = free_port()
        settings = {
            "PORT": str(port),
            "MOLECULE_DATA_DIR": f"{folder}/data",
            "ADMIN_TOKEN": ADMIN_TOKEN,
            "RUST_LOG": "warn",
            # Nothing waits for long: what is asked for is the form of an answer.
            "A2A_SYNC_WAIT_SECONDS": "1",
            "INBOX_WAIT_MAX_SECONDS": "0",
        }
        log = open(f"{folder}/platform.log", "wb")
        platform = subprocess.Popen([target / "debug" / "local"], env={**os.environ, **settings}, stderr=log)
        try:
            wait_until_up(f"http://127.0.0.1:{port}")
            status = examine(programs, f"http://127.0.0.1:{port}", folder)
        finally:
            platform.terminate()
            platform.wait()
    sys.exit("FAILED: an answer is not as described" if status else 0)


main()
