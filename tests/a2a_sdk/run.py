#!/usr/bin/env python3
"""Runs the hub between agents and clients of the official A2A SDK, of both generations: `tests/a2a_sdk/run.py`.

Needs Python 3.10 with venv and pip. Builds the local platform, makes a virtual environment per generation under target/, and
starts everything on loopback. Ends with 0 if every client sees what it should, with 77 if the SDK cannot be installed.
"""

import json
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
# The exit status that says: not run, for want of the SDK.
MISSING = 77
started = []


def environment(generation):
    """The Python of a virtual environment with the SDK of a generation."""
    folder, wanted = ROOT / "target" / "a2a_sdk" / generation, HERE / f"requirements-{generation}.txt"
    python, mark = folder / "bin" / "python", folder / "installed.txt"
    if not (mark.exists() and mark.read_text() == wanted.read_text()):
        try:
            venv.create(folder, with_pip=True)
            subprocess.run([python, "-m", "pip", "install", "--quiet", "-r", wanted], check=True)
        except subprocess.CalledProcessError as failure:
            print(f"the SDK of {generation} cannot be installed: {failure}", file=sys.stderr)
            sys.exit(MISSING)
        mark.write_text(wanted.read_text())
    return str(python)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def start(command, **environ):
    process = subprocess.Popen([str(word) for word in command], env={**os.environ, **environ}, cwd=HERE)
    started.append(process)
    return process


def call(method, url, body=None, token=None):
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
    data = json.dumps(body).encode() if body is not None else None
    request = urllib.request.Request(url, data=data, method=method, headers=headers)
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)


def wait_for(what, ready, seconds=60):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            if ready():
                return
        except OSError:
            pass
        time.sleep(0.1)
    sys.exit(f"FAILED: {what} was not there within {seconds} s")


def pair(hub, pythons, agent_side, client_side):
    """One client against one agent; then the agent goes, and the record answers alone."""
    print(f"== client {client_side} through the hub to agent {agent_side}", flush=True)
    made = [call("POST", f"{hub}/workspaces", {"name": name, "external": True}) for name in ("client", "agent")]
    (_, sender), (target, token) = [(one["id"], one["connection"]["auth_token"]) for one in made]
    agent = start([pythons[agent_side], "agent.py", agent_side, hub, target, token, free_port()])
    status = lambda: call("GET", f"{hub}/workspaces/{target}")["status"]
    wait_for("the agent", lambda: status() == "online")
    client = [pythons[client_side], "client.py", client_side, f"{hub}/workspaces/{target}", sender]
    asked = subprocess.run(client, cwd=HERE, stdout=subprocess.PIPE, text=True, timeout=120)
    print(asked.stdout, end="", flush=True)
    failed = asked.returncode != 0
    failed |= subprocess.run([*client, "stream"], cwd=HERE, timeout=120).returncode != 0
    agent.kill()
    agent.wait()
    if not failed:
        task = asked.stdout.split()[-1]
        failed |= subprocess.run([*client, "get", task], cwd=HERE, timeout=60).returncode != 0
    return failed


def main():
    subprocess.run(["cargo", "build", "--quiet", "-p", "local"], check=True, cwd=ROOT)
    pythons = {generation: environment(generation) for generation in ("v03", "v10")}
    with tempfile.TemporaryDirectory() as data:
        port = free_port()
        hub = f"http://127.0.0.1:{port}"
        target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
        start([target / "debug" / "local"], PORT=str(port), MOLECULE_DATA_DIR=data, RUST_LOG="warn")
        try:
            wait_for("the platform", lambda: call("GET", f"{hub}/health"))
            pairs = [(agent, client) for agent in pythons for client in pythons]
            failed = [sides for sides in pairs if pair(hub, pythons, *sides)]
        finally:
            for process in reversed(started):
                process.terminate()
                process.wait()
    sys.exit(f"FAILED: agent and client of {failed}" if failed else 0)


main()
