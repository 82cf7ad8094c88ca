#!/usr/bin/env python3
"""Runs functions in containers under `sam local start-api`, on the data of a local run: `tests/sam_local/run.py FOLDER`.

FOLDER holds the packages, `<binary>/bootstrap` each as `cargo lambda build` leaves them, or `<function>/bootstrap` as `sam
build` does. Needs `sam` on the PATH, a Docker Engine, and the local platform built. Where there is no
`public.ecr.aws/lambda/provided` image, a stand-in is built (`tests/sam_local/image.sh`). Ends with 0 if a caller of SAM's API
sees what it should, with 77 if something is missing.
"""

import http.server
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from common import MISSING, ROOT, TARGET, free_port, wait_for

TOKEN = "token-of-the-operator-in-this-test"
PATIENCE = 60


class Agent(http.server.BaseHTTPRequestHandler):
    """Answers each A2A call with what it was asked, and counts them."""

    heard = []

    def do_POST(self):
        call = json.loads(self.rfile.read(int(self.headers["content-length"])))
        text = call["params"]["message"]["parts"][0]["text"]
        self.heard.append(text)
        message = {"kind": "message", "role": "agent", "messageId": "answer", "parts": [{"kind": "text", "text": f"heard {text}"}]}
        body = json.dumps({"jsonrpc": "2.0", "id": call["id"], "result": message}).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def docker(*arguments):
    return subprocess.run(["docker", *arguments], check=True, capture_output=True, text=True).stdout.strip()


def template(packages):
    """The template, with the packages as they are."""
    text = (ROOT / "infra" / "template.yaml").read_text()

    def place(match):
        function, before, binary, between = match.groups()
        for name in (function, binary):
            if (packages / name / "bootstrap").exists():
                return f"  {function}:{before}Binary: {binary}{between}CodeUri: {packages / name}\n"
        return match[0]

    return re.sub(r"  (\w+):(\n    Type: AWS::Serverless::Function\n(?:.*\n)*?.*)Binary: (\S+)((?:\n.*)*?\n *)CodeUri: .*\n", place, text)


def call(method, url, body=None, token=TOKEN):
    headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
    request = urllib.request.Request(url, json.dumps(body).encode() if body is not None else None, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            return answer.status, json.loads(answer.read() or b"null")
    except urllib.error.HTTPError as refusal:
        return refusal.code, refusal.read().decode()


def expect(step, wanted, got, started):
    status, body = got
    if status != wanted:
        sys.exit(f"{step}: {status} instead of {wanted}: {body}")
    print(f"{step}: {status} in {(time.perf_counter() - started) * 1000:.0f} ms", flush=True)
    return body


def listens(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def check(api, agent):
    def step(name, wanted, *request, **options):
        started = time.perf_counter()
        return expect(name, wanted, call(*request, **options), started)

    step("list", 200, "GET", f"{api}/workspaces")
    made = step("create", 201, "POST", f"{api}/workspaces", {"name": "in SAM", "external": True})
    workspace = made["id"]
    token = re.search(r'"auth_token": "([^"]+)"', json.dumps(made))[1]
    card = {"name": "agent", "description": "", "version": "1", "skills": []}
    step("register", 200, "POST", f"{api}/registry/register", {"id": workspace, "url": agent, "agent_card": card}, token=token)
    beat = {"workspace_id": workspace, "active_tasks": 0, "error_rate": 0}
    step("heartbeat", 200, "POST", f"{api}/registry/heartbeat", beat, token=token)
    step("heartbeat, warm", 200, "POST", f"{api}/registry/heartbeat", beat, token=token)
    seen = step("get", 200, "GET", f"{api}/workspaces/{workspace}")
    if seen["status"] != "online":
        sys.exit(f"the workspace is {seen['status']}, not online")
    message = {"kind": "message", "role": "user", "messageId": "first", "parts": [{"kind": "text", "text": "hello"}]}
    sent = {"jsonrpc": "2.0", "id": 1, "method": "message/send", "params": {"message": message}}
    answer = step("message", 200, "POST", f"{api}/workspaces/{workspace}/a2a", sent)
    if "heard hello" not in json.dumps(answer) or Agent.heard != ["hello"]:
        sys.exit(f"the agent heard {Agent.heard}, and its sender {answer}")


def main():
    packages = Path(sys.argv[1]).resolve()
    local = TARGET / "debug" / "local"
    missing = [name for name in ("sam", "docker") if not shutil.which(name)]
    if missing or subprocess.run(["docker", "info"], capture_output=True).returncode:
        print(f"missing: {' and '.join(missing) or 'a Docker Engine that answers'}", file=sys.stderr)
        return MISSING
    subprocess.run([ROOT / "tests" / "sam_local" / "image.sh"], check=True, stdout=subprocess.DEVNULL)
    agent = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Agent)
    threading.Thread(target=agent.serve_forever, daemon=True).start()
    network = f"molecule-functions-{os.getpid()}"
    docker("network", "create", network)
    started = []
    try:
        gateway = docker("network", "inspect", "--format", "{{(index .IPAM.Config 0).Gateway}}", network)
        with tempfile.TemporaryDirectory() as scratch:
            scratch = Path(scratch)
            variables = {"PORT": "0", "MOLECULE_DATA_DIR": str(scratch / "data"), "ADMIN_TOKEN": TOKEN, "PROVISIONER": "none",
                         "FUNCTIONS_ADDRESS": gateway, "RUST_LOG": "warn"}
            platform = subprocess.Popen([local], env=variables, stdout=subprocess.PIPE, text=True)
            started.append(platform)
            if not platform.stdout.readline().startswith("ready"):
                sys.exit("the local platform did not start")
            (scratch / "template.yaml").write_text(template(packages))
            port = free_port()
            sam = subprocess.Popen(
                ["sam", "local", "start-api", "--template", scratch / "template.yaml", "--host", "127.0.0.1", "--port", str(port),
                 "--env-vars", scratch / "data" / "functions.json", "--docker-network", network, "--skip-pull-image",
                 "--warm-containers", "LAZY", "--region", "us-east-1", "--parameter-overrides", f"Architecture={os.uname().machine}"],
                env={**os.environ, "SAM_CLI_TELEMETRY": "0", "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"},
                cwd=scratch, stdout=subprocess.DEVNULL, stderr=(scratch / "sam.log").open("w"),
            )
            started.append(sam)
            try:
                wait_for("sam listens", lambda: listens(port) or sam.poll() is not None)
                check(f"http://127.0.0.1:{port}", f"http://127.0.0.1:{agent.server_address[1]}")
            except SystemExit:
                print((scratch / "sam.log").read_text()[-4000:], file=sys.stderr)
                raise
            finally:
                end(started)
        return 0
    finally:
        end(started)
        for container in docker("ps", "--all", "--quiet", "--filter", f"network={network}").split():
            docker("rm", "--force", container)
        docker("network", "rm", network)


def end(started):
    for process in reversed(started):
        if process.poll() is None:
            process.send_signal(2)
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()


if __name__ == "__main__":
    sys.exit(main())
