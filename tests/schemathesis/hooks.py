"""What schemathesis cannot know of this API: who is there, who asks, and which 5xx are meant.

Most calls name things that exist and bear the token of whoever may ask; the others name nothing, and are strangers' or
another workspace's. Nothing that runs on this machine comes from generated text: commands and directories are replaced.
"""

import json
import os
import random
import urllib.request

import schemathesis

HUB, ADMIN = os.environ["HUB"], os.environ["ADMIN_TOKEN"]
dice = random.Random(1)
MESSAGE = {"message": {"role": "user", "parts": [{"kind": "text", "text": "hello"}]}}

# Server errors that say what they should, by operation: their codes.
MEANT = {
    # The workspace is paused, and only an operator can change that.
    "discover": {"workspace_stopped"},
    # How a message ended.
    "send_message": {"delivery_failed", "message_dropped", "message_expired"},
}


def call(method, path, body=None, token=ADMIN):
    data = json.dumps(body).encode() if body is not None else None
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    request = urllib.request.Request(HUB + path, data=data, method=method, headers=headers)
    with urllib.request.urlopen(request, timeout=20) as answer:
        return json.load(answer)


def workspace(name, **more):
    """A new workspace whose agent would be elsewhere; its id and its token."""
    made = call("POST", "/workspaces", {"name": name, "external": True, **more})
    return made["id"], made["connection"]["auth_token"]


def register(id, token):
    """Its agent fetches its messages, and is there."""
    body = {"id": id, "agent_card": {"name": "poller"}, "delivery_mode": "poll"}
    call("POST", "/registry/register", body, token)
    call("POST", "/registry/heartbeat", {"workspace_id": id}, token)


class Leased:
    """A message that an agent of its own has fetched."""

    def __init__(self):
        self.workspace, self.token = workspace("busy")
        register(self.workspace, self.token)
        cast.message(self.workspace)
        item = call("GET", f"/workspaces/{self.workspace}/inbox", token=self.token)["items"][0]
        self.queue_id, self.epoch = item["queue_id"], item["slot_epoch"]


class Cast:
    """What is there before the first call."""

    def __init__(self):
        self.parent, _ = workspace("parent")
        self.poller, self.pollers_token = workspace("poller", parent_id=self.parent)
        self.pusher, _ = workspace("pusher", parent_id=self.parent)
        self.managed = call("POST", "/workspaces", {"name": "managed", "command": "builtin:echo"})["id"]
        self.removed, _ = workspace("removed")
        call("DELETE", f"/workspaces/{self.removed}")
        register(self.poller, self.pollers_token)
        self.queue_id = self.message(self.poller)
        self.schedule = self.new_schedule()
        call("POST", f"/workspaces/{self.poller}/schedules/{self.schedule}/run")
        self.memory = self.new_memory()
        call("PUT", f"/workspaces/{self.poller}/secrets", {"key": "KEY", "value": "value"})
        call("PUT", "/settings/secrets", {"key": "KEY", "value": "value"})
        recorded = {"target_id": self.pusher, "task": "a task", "delegation_id": "d-1"}
        call("POST", f"/workspaces/{self.poller}/delegations/record", recorded)
        call("POST", f"/workspaces/{self.poller}/delegate", {"target_id": self.pusher, "task": "a task"})
        call("POST", f"/workspaces/{self.poller}/activity", {"activity_type": "agent_log", "summary": "s"})

    def message(self, target):
        return call("POST", f"/workspaces/{target}/a2a", {"method": "message/send", "params": MESSAGE})["queue_id"]

    def new_schedule(self):
        body = {"name": f"s-{dice.random()}", "cron_expr": "0 0 * * *", "prompt": "do it"}
        return call("POST", f"/workspaces/{self.poller}/schedules", body)["id"]

    def new_memory(self):
        return call("POST", f"/workspaces/{self.poller}/memories", {"content": "c", "scope": "LOCAL"})["id"]


cast = None
managed_made = 0
# Operations that end what they name: each call gets a thing of its own.
ENDS = {"delete_workspace", "pause_workspace", "hibernate_workspace", "collapse_workspace", "reset_credentials"}
# What an agent does with a message that it fetched.
SETTLES = {"ack_message", "nack_message", "extend_lease"}
# The runtime's own.
RUNTIME = {
    "fetch_inbox", "ack_message", "nack_message", "extend_lease", "get_secret_values", "settle_message", "register",
    "heartbeat", "update_agent_card",
}  # fmt: skip


@schemathesis.hook
def before_call(ctx, case, kwargs):
    global cast
    if cast is None:
        cast = Cast()
    name = case.operation.definition.raw["operationId"]
    told = dict(case.path_parameters or {})
    right = cast.pollers_token if name in RUNTIME else ADMIN
    if isinstance(case.body, dict):
        case.body = settled(name, dict(case.body))
    if told and dice.random() < 0.75:
        fill(name, told)
        if name in SETTLES:
            leased = Leased()
            told |= {"id": leased.workspace, "queue_id": leased.queue_id}
            right = leased.token
            if isinstance(case.body, dict) and isinstance(case.body.get("slot_epoch"), int):
                case.body["slot_epoch"] = leased.epoch
        elif name == "send_message" and isinstance(case.body, dict) and dice.random() < 0.4:
            # To an agent that answers at once, in pieces or whole.
            told["id"] = cast.managed
            case.body |= {"method": dice.choice(["message/stream", "message/send"]), "params": MESSAGE}
        case.path_parameters = told
    token = dice.choice([right] * 8 + [cast.pollers_token, "x", None])
    if token:
        case.headers["Authorization"] = f"Bearer {token}"
    else:
        # A page of elsewhere, which over loopback too is nobody.
        case.headers["Origin"] = "http://page.example"


def fill(name, told):
    """Path parameters that name what is there."""
    if "id" in told:
        told["id"] = cast.poller
        if name in ENDS:
            told["id"] = workspace("doomed")[0]
        elif name in ("get_log", "get_console", "explain_workspace", "restart_workspace", "resume_workspace"):
            told["id"] = cast.managed
        elif dice.random() < 0.1:
            told["id"] = dice.choice([cast.removed, cast.parent, cast.pusher])
    if "queue_id" in told:
        told["queue_id"] = cast.message(cast.poller) if name == "cancel_message" else cast.queue_id
    if "schedule_id" in told:
        told["schedule_id"] = cast.new_schedule() if name == "delete_schedule" else cast.schedule
    if "memory_id" in told:
        told["memory_id"] = cast.new_memory()
    if name == "revoke_token":
        told["id"] = workspace("doomed")[0]
        told["token_id"] = call("POST", f"/workspaces/{told['id']}/tokens", {})["token_id"]
    elif name == "revoke_org_token":
        told["token_id"] = call("POST", "/org/tokens", {})["id"]
    if "key" in told:
        told["key"] = "KEY"
    if "delegation_id" in told:
        told["delegation_id"] = "d-1"


def settled(name, body):
    """A body that names what is there, and nothing that would run or be called on this machine."""
    global managed_made
    for field in ("id", "workspace_id", "caller_id", "source_id"):
        if isinstance(body.get(field), str) and dice.random() < 0.75:
            body[field] = cast.poller
    for field in ("target_id", "parent_id"):
        if isinstance(body.get(field), str) and dice.random() < 0.75:
            body[field] = cast.pusher if field == "target_id" else cast.parent
    if isinstance(body.get("cron_expr"), str) and dice.random() < 0.75:
        body["cron_expr"] = "*/5 * * * *"
    if isinstance(body.get("url"), str):
        body["url"] = "http://127.0.0.1:9/agent" if dice.random() < 0.75 else "no URL"
    if isinstance(body.get("command"), str):
        body["command"] = "builtin:echo"
    if isinstance(body.get("workspace_dir"), str) and len(body["workspace_dir"]) < 4096:
        body["workspace_dir"] = "no/absolute/path"
    if name == "create_workspace":
        managed_made += 1
        if managed_made > 5 or "sub_workspaces" in body:
            body["external"] = True
    if isinstance(body.get("sub_workspaces"), list):
        team = body["sub_workspaces"][:1]
        body["sub_workspaces"] = [settled("", dict(one)) if isinstance(one, dict) else one for one in team]
    return body


@schemathesis.check
def no_server_error(ctx, response, case):
    """No 5xx but those that are meant."""
    if response.status_code < 500:
        return
    name = case.operation.definition.raw["operationId"]
    try:
        code = response.json().get("code")
    except ValueError:
        code = None
    assert code in MEANT.get(name, ()), f"{response.status_code} {code} of {name}"
