#!/usr/bin/env python3
"""Runs the hub between agents and clients of the official A2A SDK, of both generations: `tests/a2a_sdk/run.py`.

Needs Python 3.10 with venv and pip. Builds the local platform, makes a virtual environment per generation under target/, and
starts everything on loopback. Ends with 0 if every client sees what it should, with 77 if the SDK cannot be installed.
"""

import json
import subprocess
import sys
import urllib.request
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from common import environment, free_port, local_platform, wait_for

GENERATIONS = ("v03", "v10")


def start(command):
    return subprocess.Popen([str(word) for word in command], cwd=HERE)


def call(method, url, body=None, token=None):
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
    data = json.dumps(body).encode() if body is not None else None
    request = urllib.request.Request(url, data=data, method=method, headers=headers)
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)


def pair(hub, pythons, agent_side, client_side):
    """One client against one agent; then the agent goes, and the record answers alone."""
    print(f"== client {client_side} through the hub to agent {agent_side}", flush=True)
    made = [call("POST", f"{hub}/workspaces", {"name": name, "external": True}) for name in ("client", "agent")]
    (_, sender), (target, token) = [(one["id"], one["connection"]["auth_token"]) for one in made]
    agent = start([pythons[agent_side], "agent.py", agent_side, hub, target, token, free_port()])
    try:
        status = lambda: call("GET", f"{hub}/workspaces/{target}")["status"]
        wait_for("the agent is online", lambda: status() == "online")
        client = [pythons[client_side], "client.py", client_side, f"{hub}/workspaces/{target}", sender]
        asked = subprocess.run(client, cwd=HERE, stdout=subprocess.PIPE, text=True, timeout=120)
        print(asked.stdout, end="", flush=True)
        failed = asked.returncode != 0
        failed |= subprocess.run([*client, "stream"], cwd=HERE, timeout=120).returncode != 0
    finally:
        agent.kill()
        agent.wait()
    if not failed:
        task = asked.stdout.split()[-1]
        failed |= subprocess.run([*client, "get", task], cwd=HERE, timeout=60).returncode != 0
    return failed


def main():
    pythons = {name: environment(f"a2a_sdk-{name}", HERE / f"requirements-{name}.txt") for name in GENERATIONS}
    with local_platform() as hub:
        pairs = [(agent, client) for agent in pythons for client in pythons]
        failed = [sides for sides in pairs if pair(hub, pythons, *sides)]
    sys.exit(f"FAILED: agent and client of {failed}" if failed else 0)


main()
