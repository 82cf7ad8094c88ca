"""A client made of the official SDK, through the hub's card: `client.py v03|v10 URL TOKEN [get TASK]`.

`URL` is the hub's of a workspace, under which its card lies. Ends with 0 and the id of a finished task on its last line, or
with the first thing that is not as it should be.
"""

import asyncio
import importlib
import sys
import uuid

import httpx

sdk = importlib.import_module(sys.argv[1])
TERMINAL = {"completed", "canceled", "failed", "rejected"}


def check(what, seen, expected):
    if seen != expected:
        sys.exit(f"FAILED: {what}: {seen!r}, not {expected!r}")
    print(f"ok: {what}")


async def events(client, text):
    return await collect(client.send(text, str(uuid.uuid4())))


async def collect(stream, told=None):
    """All events of a stream; each is told when it comes."""
    seen = []
    async for event in stream:
        seen.append(event)
        if told is not None:
            await told.put(event)
    return seen


async def until(client, task_id, states):
    """The task, once it is in one of these states."""
    for _ in range(200):
        task = await client.get(task_id)
        if task[2] in states:
            return task
        await asyncio.sleep(0.05)
    sys.exit(f"FAILED: the task never got to {states}: {task!r}")


async def ask(http, url):
    client = await sdk.Client().open(http, url)
    check("the card leads to the hub", client.address(), f"{url}/a2a")

    kind, task_id, state, texts = (await events(client, "hello"))[-1]
    check("send: a task", (kind, state, texts), ("task", "completed", ["HELLO"]))
    check("get: the same task", await client.get(task_id), ("task", task_id, "completed", ["HELLO"]))
    check("get: without history", (await client.get(task_id, 0))[2], "completed")
    check("send: a message", (await events(client, "say hi"))[-1][::3], ("message", ["HI"]))
    check("get: unknown", await client.refusal(client.get(str(uuid.uuid4()))), -32001)
    check("cancel: over", await client.refusal(client.cancel(task_id)), -32002)

    impatient = await sdk.Client().open(http, url, polling=True)
    kind, early, _, _ = (await events(impatient, "later"))[-1]
    check("send without waiting: a task", kind, "task")
    check("get until it is done", await until(impatient, early, TERMINAL), ("task", early, "completed", ["LATER"]))

    _, open_task, state, _ = (await events(impatient, "wait"))[-1]
    check("send without waiting: an open task", state in TERMINAL, False)
    await until(impatient, open_task, {"working"})
    check("cancel: an open task", (await impatient.cancel(open_task))[1:3], (open_task, "canceled"))
    check("get: canceled", (await until(impatient, open_task, TERMINAL))[2], "canceled")

    if hasattr(client, "list") and len(client.card.supported_interfaces) > 1:
        states = sorted(task[2] for task in await client.list())
        check("list: those and no others", states, ["canceled", "completed", "completed", "completed"])
    return task_id


async def stream(http, url):
    client = await sdk.Client().open(http, url, streaming=True)
    seen = await events(client, "flow")
    check("stream: ends completed", (seen[-1][2], len(seen) > 1), ("completed", True))
    check("stream: the artifact came", any(event[3] == ["FLOW"] for event in seen), True)
    kind, _, _, texts = (await events(client, "say hi"))[-1]
    check("stream: a message", (kind, texts), ("message", ["HI"]))
    check("subscribe: unknown", await client.refusal(collect(client.subscribe(str(uuid.uuid4())))), -32001)

    # Two follow a task that a third calls off.
    first = asyncio.create_task(collect(client.send("wait", str(uuid.uuid4())), begun := asyncio.Queue()))
    task_id = (await asyncio.wait_for(begun.get(), 30))[1]
    check("stream: the task is known while it runs", (await until(client, task_id, {"working"}))[1], task_id)
    second = asyncio.create_task(collect(client.subscribe(task_id), begun := asyncio.Queue()))
    check("subscribe: the task as it is", (await asyncio.wait_for(begun.get(), 30))[:2], ("task", task_id))
    check("cancel: while it streams", (await client.cancel(task_id))[1:3], (task_id, "canceled"))
    for name, follower in [("stream", first), ("subscribe", second)]:
        check(f"{name}: ends canceled", (await asyncio.wait_for(follower, 30))[-1][2], "canceled")


async def main():
    url, token, *rest = sys.argv[2:]
    async with httpx.AsyncClient(headers={"Authorization": f"Bearer {token}"}, timeout=40) as http:
        if rest[:1] == ["get"]:
            client = await sdk.Client().open(http, url)
            check("get: from the record alone", (await client.get(rest[1]))[2], "completed")
        elif rest[:1] == ["stream"]:
            await stream(http, url)
        else:
            print(await ask(http, url))


asyncio.run(main())
