"""The functions as Lambdas on a stand-in for AWS, on their main path: `functions.py ENDPOINT FOLDER`, where the folder has
one executable per function. Prints a line per step; ends with 0 if all went as it should."""

import json
import re
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

from agent import Agent
from stack import REGION, Stack

TEMPLATE = Path(__file__).resolve().parent.parent.parent / "infra" / "template.yaml"
# A rule of a minute fires within this on the stand-in.
RULE = 90
LEASE = 6


class Api:
    """The stack's HTTP API, by the host name that says which one it is."""

    def __init__(self, endpoint, host):
        self.endpoint, self.host, self.token = endpoint, host, None

    def call(self, method, path, body=None, token=None, expect=200, headers=None):
        """The answer, whose status must be the expected one."""
        status, text = self.ask(method, path, body, token, headers)
        if status != expect:
            raise AssertionError(f"{method} {path}: {status} {text.decode(errors='replace')}")
        return json.loads(text)

    def ask(self, method, path, body=None, token=None, headers=None):
        token = token or self.token
        headers = {"Host": self.host, "Content-Type": "application/json"} | (headers or {})
        headers |= {"Authorization": f"Bearer {token}"} if token else {}
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(self.endpoint + path, data=data, method=method, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()


def eventually(what, seconds, look):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if seen := look():
            return seen
        time.sleep(0.2)
    raise AssertionError(f"waited {seconds} s in vain: {what}")


def message(text):
    parts = [{"kind": "text", "text": text}]
    return {"jsonrpc": "2.0", "id": 1, "method": "message/send", "params": {"message": {"role": "user", "parts": parts}}}


def text_of(answer):
    return answer["result"]["parts"][0]["text"]


class MainPath:
    """The steps, in order; each is told by its name."""

    def __init__(self, stack):
        self.stack = stack

    def the_stack_is_made(self):
        self.stack.make()
        made, endpoint = self.stack.made, self.stack.endpoint
        port = endpoint.rsplit(":", 1)[1]
        self.api = Api(endpoint, f"{made['Api']['Ref']}.execute-api.localhost:{port}")
        self.events = self.events_of_the_bus()
        functions = self.stack.template.resources("AWS::Serverless::Function")
        return f"{len(functions)} functions, {len(self.stack.routes)} routes"

    def events_of_the_bus(self):
        """A queue that gets what the publish function puts on the bus."""
        queues, rules = self.stack.client("sqs"), self.stack.client("events")
        url = queues.create_queue(QueueName="heard")["QueueUrl"]
        arn = queues.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        bus = self.stack.made["EventBus"]["Ref"]
        rules.put_rule(Name="heard", EventBusName=bus, EventPattern=json.dumps({"source": ["molecule"]}))
        rules.put_targets(Rule="heard", EventBusName=bus, Targets=[{"Id": "queue", "Arn": arn}])
        return url

    def health(self):
        """By the stand-in's path for what the host name says: its own `/health` is before that of every API."""
        by_path = f"{self.stack.endpoint}/_aws/execute-api/{self.stack.made['Api']['Ref']}/$default"
        seen = Api(by_path, "localhost").call("GET", "/health")
        assert seen == {"status": "ok"}, seen

    def a_stranger_is_refused(self):
        self.api.call("GET", "/workspaces", expect=401)

    def an_operator_makes_workspaces(self):
        self.api.token = self.stack.made["AdminToken"]["value"]
        made = [self.api.call("POST", "/workspaces", {"name": name, "external": True}, expect=201) for name in ("alice", "bob")]
        (self.alice, self.alices), (self.bob, self.bobs) = [(one["id"], one["connection"]["auth_token"]) for one in made]

    def every_route_reaches_its_function(self):
        """About nobody and with nothing: each answers what its own code answers, and no gateway's or runtime's error."""
        nobody = "00000000-0000-4000-8000-000000000000"
        for method, path in self.stack.routes:
            if path == "/health":
                continue
            body = None if method in ("GET", "DELETE") else {}
            status, text = self.api.ask(method, re.sub(r"\{\w+\}", nobody, path), body)
            # No metrics on AWS: those are in CloudWatch.
            wrong = status >= 500 and not (path == "/metrics" and status == 501)
            if status >= 400 and not wrong:
                wrong = not {"error", "code"} <= json.loads(text).keys()
            assert not wrong, f"{method} {path}: {status} {text}"

    def status(self):
        return self.api.call("GET", f"/workspaces/{self.bob}")["status"]

    def beat(self, api=None, path="/registry/heartbeat"):
        body = {"workspace_id": self.bob, "error_rate": 0, "active_tasks": 0}
        return (api or self.api).call("POST", path, body, token=self.bobs)

    def an_agent_registers(self):
        self.agent = Agent(self.beat)
        body = {"id": self.bob, "url": self.agent.url, "agent_card": {"name": "bob"}}
        self.registered = self.api.call("POST", "/registry/register", body, token=self.bobs)

    def it_beats_and_is_online(self):
        self.beat()
        assert self.status() == "online", self.status()
        self.agent.start_beating()

    def it_beats_at_the_functions_own_url(self):
        host, path = self.registered["heartbeat_url"].split("://", 1)[1].split("/", 1)
        self.beat(Api(self.stack.endpoint, host), f"/{path}")

    def a_schedule_is_made(self):
        body = {"name": "minutely", "cron_expr": "* * * * *", "prompt": "what time is it"}
        self.schedule = self.api.call("POST", f"/workspaces/{self.bob}/schedules", body, expect=201)["id"]

    def send(self, text, **more):
        path, headers = f"/workspaces/{self.bob}/a2a", {"X-Workspace-ID": self.alice} | more.pop("headers", {})
        return self.api.call("POST", path, message(text), token=self.alices, headers=headers, **more)

    def a_sender_gets_the_agents_answer(self):
        assert text_of(self.send("hello")) == "HELLO"
        assert self.agent.times("hello") == 1, self.agent.asked
        assert self.agent.bearers == {f"Bearer {self.registered['platform_inbound_secret']}"}, "the agent's own bearer"

    def a_sender_that_does_not_wait_finds_it_in_the_queue(self):
        queued = self.send("later", headers={"Prefer": "respond-async"}, expect=202)["queue_id"]
        entry = lambda: self.api.call("GET", f"/workspaces/{self.bob}/a2a/queue/{queued}")
        eventually("the message is completed", 30, lambda: entry()["status"] == "completed")
        assert text_of(entry()["result"]["body"]) == "LATER"
        assert self.agent.times("later") == 1, self.agent.asked

    def thirty_messages_arrive_once_and_in_order(self):
        texts = [f"number {number}" for number in range(30)]
        for text in texts:
            self.send(text, headers={"Prefer": "respond-async"}, expect=202)
        heard = lambda: [text for text in self.agent.asked if text.startswith("number")]
        eventually("all are delivered", 60, lambda: len(heard()) >= len(texts))
        assert heard() == texts, heard()

    def events_come_on_the_bus(self):
        queues = self.stack.client("sqs")

        def online():
            got = queues.receive_message(QueueUrl=self.events, MaxNumberOfMessages=10, WaitTimeSeconds=1).get("Messages", [])
            told = [json.loads(one["Body"]) for one in got]
            return any(one["detail-type"] == "WORKSPACE_ONLINE" and self.bob in json.dumps(one["detail"]) for one in told)

        eventually("WORKSPACE_ONLINE on the bus", 30, online)

    def the_schedule_fires(self):
        path = f"/workspaces/{self.bob}/schedules/{self.schedule}/history"
        fired = lambda: [row for row in self.api.call("GET", path) if row["outcome"] == "fired"]
        rows = eventually("a fire in the ledger", RULE + 60, fired)
        assert self.agent.times("what time is it") >= 1
        return f"lateness {rows[-1]['lateness_ms']} ms"

    def a_rule_of_ones_own_is_made(self):
        given = {"workspace_id": self.bob, "prompt": "said by a rule"}
        rules = self.stack.client("events")
        rules.put_rule(Name="own", ScheduleExpression="rate(1 minute)")
        tick = {"Id": "tick", "Arn": self.stack.made["TickFunction"]["Arn"], "Input": json.dumps(given)}
        rules.put_targets(Rule="own", Targets=[tick])

    def it_starts_a_turn(self):
        eventually("the rule's prompt reaches the agent", RULE, lambda: self.agent.times("said by a rule"))
        self.stack.client("events").remove_targets(Rule="own", Ids=["tick"])

    def the_rules_of_the_minute_have_fired(self):
        self.api.call("DELETE", f"/workspaces/{self.bob}/schedules/{self.schedule}")
        fresh = lambda: {name for name, seen in self.api.call("GET", "/admin/liveness")["subsystems"].items() if not seen["stale"]}
        eventually("tick and sweep were here", RULE, lambda: fresh() >= {"scheduler", "liveness-monitor", "queue-drain"})

    def an_agent_that_falls_silent_is_marked_offline_by_the_sweep(self):
        self.agent.stop_beating()
        eventually("an expired lease shows", LEASE + 10, lambda: self.status() == "offline")
        told = lambda: [one for one in self.api.call("GET", f"/events/{self.bob}") if one["event_type"] == "WORKSPACE_OFFLINE"]
        eventually("the sweep's event", RULE, told)


def logs(stack, lines=60):
    """The last lines that the functions wrote, without those of every invocation."""
    client, group = stack.client("logs"), stack.made.get("LogGroup")
    found = client.filter_log_events(logGroupName=group["Ref"])["events"] if group else []
    told = [one for one in found if not one["message"].startswith(("START ", "END ", "REPORT "))]
    for one in sorted(told, key=lambda one: one["timestamp"])[-lines:]:
        print(f"  {one['timestamp']} {one['message'].rstrip()[:600]}")


def main():
    endpoint, binaries = sys.argv[1:]
    stand_in = {name: endpoint for name in ("DYNAMODB_ENDPOINT_URL", "SQS_ENDPOINT_URL", "AWS_ENDPOINT_URL")}
    # The agent lives on loopback, which production refuses.
    variables = stand_in | {"MOLECULE_ENV": "development", "AWS_REGION": REGION}
    parameters = {"LivenessTtlSeconds": LEASE, "HeartbeatIntervalSeconds": LEASE // 2}
    stack = Stack(TEMPLATE, endpoint, binaries, parameters, variables)
    path = MainPath(stack)
    steps = [
        path.the_stack_is_made,
        path.health,
        path.a_stranger_is_refused,
        path.an_operator_makes_workspaces,
        path.every_route_reaches_its_function,
        path.an_agent_registers,
        path.it_beats_and_is_online,
        path.it_beats_at_the_functions_own_url,
        path.a_schedule_is_made,
        path.a_rule_of_ones_own_is_made,
        path.a_sender_gets_the_agents_answer,
        path.a_sender_that_does_not_wait_finds_it_in_the_queue,
        path.thirty_messages_arrive_once_and_in_order,
        path.events_come_on_the_bus,
        path.the_schedule_fires,
        path.it_starts_a_turn,
        path.the_rules_of_the_minute_have_fired,
        path.an_agent_that_falls_silent_is_marked_offline_by_the_sweep,
    ]
    for step in steps:
        begun, name = time.monotonic(), step.__name__.replace("_", " ")
        try:
            more = step()
        except Exception as failure:
            print(f"FAILED: {name}: {failure!r}", flush=True)
            logs(stack)
            raise
        print(f"{(time.monotonic() - begun) * 1000:8.0f} ms  {name}{f': {more}' if more else ''}", flush=True)


if __name__ == "__main__":
    main()
