"""The official SDK in its 0.3 form: what agent.py and client.py need of it."""

from a2a.client import A2ACardResolver, ClientConfig, ClientFactory
from a2a.client.errors import A2AClientJSONRPCError
from a2a.server.apps import A2AStarletteApplication
from a2a.server.request_handlers import DefaultRequestHandler
from a2a.server.tasks import InMemoryTaskStore
from a2a.types import (
    AgentCapabilities,
    AgentCard,
    AgentSkill,
    Message,
    Part,
    Role,
    Task,
    TaskIdParams,
    TaskQueryParams,
    TextPart,
)
from a2a.utils import new_agent_text_message, new_task

NAME = "0.3"


# --- The agent's side.


def part(text):
    return Part(root=TextPart(text=text))


def reply(text, context):
    return new_agent_text_message(text, context.context_id)


def first_task(context):
    return new_task(context.message)


def application(executor, url):
    """An ASGI application around an executor, and its card as JSON."""
    card = AgentCard(
        name="sdk agent",
        description="answers in capitals",
        version="1.0.0",
        url=url,
        capabilities=AgentCapabilities(streaming=True),
        default_input_modes=["text/plain"],
        default_output_modes=["text/plain"],
        skills=[AgentSkill(id="capitals", name="Capitals", description="in capitals", tags=["text"])],
    )
    handler = DefaultRequestHandler(agent_executor=executor, task_store=InMemoryTaskStore())
    app = A2AStarletteApplication(agent_card=card, http_handler=handler).build()
    return app, card.model_dump(mode="json", by_alias=True, exclude_none=True)


# --- The client's side.


class Client:
    """One agent, through its card at `url`."""

    async def open(self, http, url, streaming=False, polling=False):
        card = await A2ACardResolver(http, url).get_agent_card()
        config = ClientConfig(httpx_client=http, streaming=streaming, polling=polling)
        self.card, self.client = card, ClientFactory(config).create(card)
        return self

    def address(self):
        return self.card.url

    async def send(self, text, message_id):
        """Each event of an answer: (kind, id, state, texts)."""
        message = Message(role=Role.user, message_id=message_id, parts=[part(text)])
        async for event in self.client.send_message(message):
            yield seen(event)

    async def get(self, task_id, history=None):
        return seen((await self.client.get_task(TaskQueryParams(id=task_id, history_length=history)), None))

    async def cancel(self, task_id):
        return seen((await self.client.cancel_task(TaskIdParams(id=task_id)), None))

    async def subscribe(self, task_id):
        async for event in self.client.resubscribe(TaskIdParams(id=task_id)):
            yield seen(event)

    async def refusal(self, call):
        """The code of the error that a call ends with."""
        try:
            await call
        except A2AClientJSONRPCError as error:
            return error.error.code
        return None


def texts(parts):
    return [part.root.text for part in parts if isinstance(part.root, TextPart)]


def seen(event):
    if isinstance(event, Message):
        return "message", event.task_id, None, texts(event.parts)
    task: Task = event[0]
    found = [text for artifact in task.artifacts or [] for text in texts(artifact.parts)]
    return "task", task.id, task.status.state.value, found
