"""What the scripts below this folder share: virtual environments, ports, and the local platform as a process."""

import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
import venv
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
# The exit status that says: not run, for want of a tool.
MISSING = 77


def environment(name, wanted):
    """The Python of a virtual environment of that name, with what a file of requirements wants."""
    folder = TARGET / "ci" / name
    python, mark = folder / "bin" / "python", folder / "installed.txt"
    if not (mark.exists() and mark.read_text() == wanted.read_text()):
        try:
            venv.create(folder, with_pip=True)
            subprocess.run([python, "-m", "pip", "install", "--quiet", "-r", wanted], check=True)
        except subprocess.CalledProcessError as failure:
            print(f"{name} cannot be installed: {failure}", file=sys.stderr)
            sys.exit(MISSING)
        mark.write_text(wanted.read_text())
    return python


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(what, ready, seconds=60):
    """Looks until it is so; what cannot be reached yet is not so."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            if seen := ready():
                return seen
        except OSError:
            pass
        time.sleep(0.1)
    sys.exit(f"FAILED: waited {seconds} s in vain: {what}")


def is_up(url):
    urllib.request.urlopen(url, timeout=5).close()
    return True


@contextmanager
def local_platform(**settings):
    """The local platform, built, on loopback with data of its own: its URL. It ends with the block."""
    # As the tests have it: with the package's own features most of its dependencies would be built anew.
    command = ["cargo", "build", "--quiet", "--workspace", "--profile", "test", "--bin", "local"]
    subprocess.run(command, check=True, cwd=ROOT)
    with tempfile.TemporaryDirectory() as data:
        port = str(free_port())
        settings = {"PORT": port, "MOLECULE_DATA_DIR": data, "RUST_LOG": "warn"} | settings
        with open(f"{data}/platform.log", "wb") as log:
            platform = subprocess.Popen([TARGET / "debug" / "local"], env={**os.environ, **settings}, stderr=log)
        try:
            hub = f"http://127.0.0.1:{port}"
            wait_for("the platform answers", lambda: is_up(f"{hub}/health"))
            yield hub
        finally:
            platform.terminate()
            platform.wait()
