"""An agent made of the official SDK, registered at the hub: `agent.py v03|v10 HUB WORKSPACE TOKEN PORT`.

`say <text>` is answered with a Message, `wait` with a Task that works until it is canceled, anything else with a Task that
is done at once. All answers are in capitals.
"""

import asyncio
import importlib
import sys

import httpx
import uvicorn
from a2a.server.agent_execution import AgentExecutor
from a2a.server.tasks import TaskUpdater

sdk = importlib.import_module(sys.argv[1])


class Capitals(AgentExecutor):
    def __init__(self):
        self.waiting = {}

    async def execute(self, context, queue):
        text = context.get_user_input()
        if text.startswith("say "):
            await queue.enqueue_event(sdk.reply(text.removeprefix("say ").upper(), context))
            return
        if context.current_task is None:
            await queue.enqueue_event(sdk.first_task(context))
        updater = TaskUpdater(queue, context.task_id, context.context_id)
        await updater.start_work()
        if text == "wait":
            over = self.waiting.setdefault(context.task_id, asyncio.Event())
            await over.wait()
            return
        await updater.add_artifact([sdk.part(text.upper())])
        await updater.complete()

    async def cancel(self, context, queue):
        await TaskUpdater(queue, context.task_id, context.context_id).cancel()
        self.waiting.pop(context.task_id, asyncio.Event()).set()


async def live(hub, workspace, card, token):
    """Registers, then says every few seconds that it is alive."""
    async with httpx.AsyncClient(base_url=hub, headers={"Authorization": f"Bearer {token}"}) as http:
        url = card.get("url") or card["supportedInterfaces"][0]["url"]
        answer = await http.post("/registry/register", json={"id": workspace, "url": url, "agent_card": card})
        answer.raise_for_status()
        while True:
            await asyncio.sleep(5)
            await http.post("/registry/heartbeat", json={"workspace_id": workspace, "active_tasks": 0})


async def main():
    hub, workspace, token, port = sys.argv[2:6]
    app, card = sdk.application(Capitals(), f"http://127.0.0.1:{port}/")
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=int(port), log_level="warning"))
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.05)
    living = asyncio.create_task(live(hub, workspace, card, token))
    await asyncio.wait([serving, living], return_when=asyncio.FIRST_COMPLETED)
    if living.done():
        living.result()


asyncio.run(main())
