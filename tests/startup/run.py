#!/usr/bin/env python3
"""Holds the functions' packages to their budgets of size, start and memory: `tests/startup/run.py FOLDER [EMULATOR ...]`.

FOLDER holds the packages, `<binary>/bootstrap` each as `cargo lambda build` leaves them, or `<function>/bootstrap` as `sam
build` does; a function that is not there is named as not measured. A fake Runtime API and a fake DynamoDB and SQS over TLS, all on
loopback, stand in for Lambda. Of several starts the best one counts: what else the machine does only ever adds. Ends with 0
if every function stays within its budgets, with 77 if there is no openssl to make a certificate with. What is measured in
time differs between machines: over its budget it is told, and over twice its budget it fails. Packages for another processor
run under an emulator, as in `qemu-aarch64 -L /usr/aarch64-linux-gnu`: then only their size counts, and that they answer.

Needs Python 3.10. CPU is user and system time of the process; the SDK's own checks of AWS's certificates, which are RSA and
a chain longer, come on top on AWS.
"""

import http.server
import json
import os
import re
import shutil
import signal
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import zipfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from common import MISSING, ROOT

# Starts of a function; so many more, up to the most, while the best one is over its budget.
STARTS, MOST_STARTS = 25, 100
FIRSTS = 7
CALLS = 20
# MB of a package. Those that speak to ECS carry its client.
SIZE, SIZE_WITH_ENGINE = 5.0, 8.0
WITH_ENGINE = {"provision", "diagnosis"}
# Milliseconds of CPU from exec to the first poll, with the connections that are opened before it.
START = 5.0
# Milliseconds from event to answer, of the first one, over TLS.
FIRST = 5.0
# MB of resident memory after the calls.
MEMORY = 15.0
PATIENCE = 20


REFUSED = {
    "SendMessageBatch": "com.amazonaws.sqs#EmptyBatchRequest",
    "UpdateItem": "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException",
}


class Aws(http.server.BaseHTTPRequestHandler):
    """DynamoDB without items, where no condition holds, and SQS that refuses."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self):
        self.rfile.read(int(self.headers.get("content-length", 0)))
        refusal = REFUSED.get(self.headers.get("x-amz-target", "").split(".")[-1])
        body = json.dumps({"__type": refusal} if refusal else {}).encode()
        self.server.calls += 1
        self.send_response(400 if refusal else 200)
        self.send_header("content-type", "application/x-amz-json-1.0")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Runtime(http.server.BaseHTTPRequestHandler):
    """The Runtime API of one process. It gives out what `give` says, and holds the poll when there is nothing."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self):
        self.server.polled.set()
        self.server.more.acquire()
        if self.server.over:
            self.close_connection = True
            return
        body = self.server.event
        self.send_response(200)
        self.send_header("lambda-runtime-aws-request-id", "6e0b1c6a-5c8d-4d4e-9a51-3f7d1f0b7a11")
        self.send_header("lambda-runtime-deadline-ms", str(int(time.time() * 1000) + 20_000))
        self.send_header("lambda-runtime-invoked-function-arn", "arn:aws:lambda:us-east-1:000000000000:function:f")
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.server.given_at = time.perf_counter()
        self.wfile.write(body)

    def do_POST(self):
        answer = self.rfile.read(int(self.headers.get("content-length", 0)))
        took = time.perf_counter() - self.server.given_at
        self.send_response(202)
        self.send_header("content-length", "0")
        self.end_headers()
        self.server.answered((took, self.path, answer))

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        """Functions are killed in the middle of what they do."""


def serve(handler, context=None):
    server = Server(("127.0.0.1", 0), handler)
    if context:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    return server


def certificate(folder):
    """A key and a certificate for localhost."""
    if not shutil.which("openssl"):
        print("there is no openssl to make a certificate with", file=sys.stderr)
        sys.exit(MISSING)
    key, cert, config = folder / "key.pem", folder / "cert.pem", folder / "openssl.cnf"
    config.write_text(
        "[req]\ndistinguished_name = name\nx509_extensions = leaf\n[name]\n"
        "[leaf]\nsubjectAltName = DNS:localhost\nbasicConstraints = critical, CA:FALSE\n"
    )
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
         "-config", config, "-subj", "/CN=localhost", "-keyout", key, "-out", cert],
        check=True, stderr=subprocess.DEVNULL,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    return context, cert


def functions():
    """The functions of the template, by name: the binary, and one of its routes, if the API calls it."""
    found = {}
    text = (ROOT / "infra" / "template.yaml").read_text()
    for name, block in re.findall(r"\n  (\w+):\n    Type: AWS::Serverless::Function\n(.*?)(?=\n  \w+:\n|\n  # )", text, re.S):
        binary = re.search(r"Binary: (\S+)", block)[1]
        routes = re.findall(r'Type: HttpApi\n *Properties: \{ ApiId: !Ref Api, Method: (\w+), Path: "?([^" ]+)"? \}', block)
        # Best is a reading one of a workspace.
        routes.sort(key=lambda route: (route[0] != "GET", "{id}" not in route[1]))
        found[name] = (binary, routes[0] if routes else None)
    return found


def event(route):
    """A request of a stranger: the function looks the token up, and refuses."""
    method, path = route
    path = re.sub(r"\{\w+\}", "6e0b1c6a-5c8d-4d4e-9a51-3f7d1f0b7a11", path)
    if path == "/health":
        path = "/admin/liveness"
    body = {"workspace_id": "6e0b1c6a-5c8d-4d4e-9a51-3f7d1f0b7a11"}
    return json.dumps({
        "version": "2.0", "routeKey": f"{method} {path}", "rawPath": path, "rawQueryString": "",
        "headers": {
            "host": "api.example", "content-type": "application/json",
            "authorization": "Bearer " + "A" * 43, "x-forwarded-proto": "https",
        },
        "requestContext": {
            "accountId": "000000000000", "apiId": "a", "domainName": "api.example", "domainPrefix": "api",
            "http": {"method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1", "userAgent": "t"},
            "requestId": "r", "routeKey": f"{method} {path}", "stage": "$default",
            "time": "26/Nov/2026:00:00:00 +0000", "timeEpoch": 1795651200000,
        },
        "body": json.dumps(body) if method != "GET" else None, "isBase64Encoded": False,
    }).encode()


def environment(runtime, aws, cert):
    at = f"https://localhost:{aws.server_address[1]}"
    queue = "https://sqs.us-east-1.amazonaws.com/000000000000/molecule-"
    return {
        "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{runtime.server_address[1]}",
        "AWS_LAMBDA_FUNCTION_NAME": "f", "AWS_LAMBDA_FUNCTION_VERSION": "1", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
        "AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "k", "AWS_SECRET_ACCESS_KEY": "s",
        "AWS_ENDPOINT_URL": at, "SSL_CERT_FILE": str(cert), "ADMIN_TOKEN": "0123456789abcdef0123456789abcdef",
        "EVENT_BUS_NAME": "events", "TABLE_NAME": "molecule", "AWS_LAMBDA_LOG_LEVEL": "ERROR",
        "DISPATCH_QUEUE_URL": queue + "dispatch", "TIMERS_QUEUE_URL": queue + "timers",
        "PROVISION_QUEUE_URL": queue + "provision.fifo",
    }


class Started:
    """A function that has polled for its first event."""

    def __init__(self, command, aws, cert):
        self.runtime = serve(Runtime)
        self.runtime.polled, self.runtime.more, self.runtime.over = threading.Event(), threading.Semaphore(0), False
        self.answers, self.arrived = [], threading.Semaphore(0)
        self.runtime.answered = lambda answer: (self.answers.append(answer), self.arrived.release())
        self.process = subprocess.Popen(command, env=environment(self.runtime, aws, cert), stderr=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL)
        before = aws.calls
        if not self.runtime.polled.wait(PATIENCE):
            self.end()
            sys.exit(f"{command[-1]} did not poll for events")
        self.greeted = aws.calls > before

    def call(self, event):
        """Seconds from an event to its answer."""
        self.runtime.event = event
        self.runtime.more.release()
        if not self.arrived.acquire(timeout=PATIENCE):
            self.end()
            sys.exit("a function did not answer")
        took, path, answer = self.answers[-1]
        if not path.endswith("/response"):
            self.end()
            sys.exit(f"a function failed: {answer[:500]}")
        return took

    def status(self):
        """Of the last answer."""
        return json.loads(self.answers[-1][2])["statusCode"]

    def memory(self):
        text = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", text)[1]) / 1000

    def end(self):
        """Ends it; gives its CPU seconds."""
        self.process.send_signal(signal.SIGKILL)
        _, _, used = os.wait4(self.process.pid, 0)
        self.process.returncode = -9
        self.runtime.over = True
        self.runtime.more.release()
        self.runtime.shutdown()
        self.runtime.server_close()
        return used.ru_utime + used.ru_stime


def measure(bootstrap, emulator, binary, route, aws, cert, scratch):
    """The figures of one function, by the names of their budgets."""
    command = [*emulator, bootstrap]
    package = scratch / "package.zip"
    with zipfile.ZipFile(package, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        archive.write(bootstrap, "bootstrap")
    figures = {"MB": (package.stat().st_size / 1e6, SIZE_WITH_ENGINE if binary in WITH_ENGINE else SIZE)}
    used = []
    while not used or (len(used) < MOST_STARTS and (len(used) % STARTS or min(used) * 1000 > START)):
        started = Started(command, aws, cert)
        used.append(started.end())
        if binary != "publish" and not started.greeted:
            sys.exit(f"{binary} opened no connection before its first poll")
    cpu = min(used)
    figures["start, ms CPU"] = (cpu * 1000, START)
    first, memory = [], []
    for _ in range(FIRSTS if route else 1):
        asked = False
        started = Started(command, aws, cert)
        if route:
            before = aws.calls
            first.append(started.call(event(route)))
            asked = aws.calls > before and started.status() < 500
            for _ in range(CALLS if asked else 0):
                started.call(event(route))
        memory.append(started.memory())
        started.end()
    if first and asked:
        figures["first, ms"] = (min(first) * 1000, FIRST)
    figures["MB resident"] = (min(memory), MEMORY)
    return figures


def main():
    folder, emulator = Path(sys.argv[1]), sys.argv[2:]
    over = []
    print(f"{'function':22}{'MB':>8}{'start, ms CPU':>16}{'first, ms':>12}{'MB resident':>14}")
    with tempfile.TemporaryDirectory() as scratch:
        scratch = Path(scratch)
        context, cert = certificate(scratch)
        aws = serve(Aws, context)
        aws.calls = 0
        for name, (binary, route) in functions().items():
            places = [folder / place / "bootstrap" for place in (binary, name)]
            bootstrap = next((place for place in places if place.exists()), None)
            if not bootstrap:
                print(f"{binary:22}  not built, not measured")
                continue
            figures = measure(bootstrap, emulator, binary, route, aws, cert, scratch)
            cells = {key: f"{value:.2f}" for key, (value, _) in figures.items()}
            print(f"{binary:22}{cells['MB']:>8}{cells['start, ms CPU']:>16}{cells.get('first, ms', '-'):>12}"
                  f"{cells['MB resident']:>14}", flush=True)
            for key, (value, most) in figures.items():
                if emulator and key != "MB":
                    continue
                if value > most:
                    print(f"{binary}: {key} is {value:.2f}, over {most}")
                if value > most * (2 if "ms" in key else 1):
                    over.append(binary)
    return 1 if over else 0


if __name__ == "__main__":
    sys.exit(main())
