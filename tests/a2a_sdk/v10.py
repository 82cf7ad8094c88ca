"""The official SDK in its 1.0 form: what agent.py and client.py need of it."""

from a2a.client import A2ACardResolver, ClientConfig, ClientFactory
from a2a.helpers.proto_helpers import new_task_from_user_message, new_text_message
from a2a.server.request_handlers import DefaultRequestHandler
from a2a.server.request_handlers.response_helpers import agent_card_to_dict
from a2a.server.routes import create_jsonrpc_routes
from a2a.server.tasks import InMemoryTaskStore
from a2a.types.a2a_pb2 import (
    AgentCapabilities,
    AgentCard,
    AgentInterface,
    AgentSkill,
    CancelTaskRequest,
    GetTaskRequest,
    ListTasksRequest,
    Message,
    Part,
    Role,
    SendMessageRequest,
    SubscribeToTaskRequest,
    TaskState,
)
from a2a.utils.errors import TaskNotCancelableError, TaskNotFoundError
from starlette.applications import Starlette

NAME = "1.0"


# --- The agent's side.


def part(text):
    return Part(text=text)


def reply(text, context):
    return new_text_message(text, context_id=context.context_id)


def first_task(context):
    task = new_task_from_user_message(context.message)
    task.id, task.context_id = context.task_id, context.context_id
    return task


def application(executor, url):
    """An ASGI application around an executor, for callers of both generations, and its card as JSON."""
    card = AgentCard(
        name="sdk agent",
        description="answers in capitals",
        version="1.0.0",
        supported_interfaces=[
            AgentInterface(url=url, protocol_binding="JSONRPC", protocol_version="1.0"),
            AgentInterface(url=url, protocol_binding="JSONRPC", protocol_version="0.3"),
        ],
        capabilities=AgentCapabilities(streaming=True),
        default_input_modes=["text/plain"],
        default_output_modes=["text/plain"],
        skills=[AgentSkill(id="capitals", name="Capitals", description="in capitals", tags=["text"])],
    )
    handler = DefaultRequestHandler(agent_executor=executor, task_store=InMemoryTaskStore(), agent_card=card)
    routes = create_jsonrpc_routes(handler, "/", enable_v0_3_compat=True)
    return Starlette(routes=routes), agent_card_to_dict(card)


# --- The client's side.

REFUSALS = {TaskNotFoundError: -32001, TaskNotCancelableError: -32002}


class Client:
    """One agent, through its card at `url`."""

    async def open(self, http, url, streaming=False, polling=False):
        card = await A2ACardResolver(http, url).get_agent_card()
        config = ClientConfig(httpx_client=http, streaming=streaming, polling=polling)
        self.card, self.client = card, ClientFactory(config).create(card)
        return self

    def address(self):
        return self.card.supported_interfaces[0].url

    async def send(self, text, message_id):
        """Each event of an answer: (kind, id, state, texts)."""
        message = Message(role=Role.ROLE_USER, message_id=message_id, parts=[part(text)])
        async for event in self.client.send_message(SendMessageRequest(message=message)):
            yield seen(event)

    async def get(self, task_id, history=None):
        return task(await self.client.get_task(GetTaskRequest(id=task_id, history_length=history)))

    async def cancel(self, task_id):
        return task(await self.client.cancel_task(CancelTaskRequest(id=task_id)))

    async def subscribe(self, task_id):
        async for event in self.client.subscribe(SubscribeToTaskRequest(id=task_id)):
            yield seen(event)

    async def list(self):
        listed = await self.client.list_tasks(ListTasksRequest(page_size=100, include_artifacts=True))
        return [task(item) for item in listed.tasks]

    async def refusal(self, call):
        """The code of the error that a call ends with."""
        try:
            await call
        except tuple(REFUSALS) as error:
            return REFUSALS[type(error)]
        return None


def texts(parts):
    return [part.text for part in parts if part.HasField("text")]


def named(state):
    """As 0.3 names it."""
    return TaskState.Name(state).removeprefix("TASK_STATE_").lower().replace("_", "-")


def task(item):
    found = [text for artifact in item.artifacts for text in texts(artifact.parts)]
    return "task", item.id, named(item.status.state), found


def seen(event):
    kind = event.WhichOneof("payload")
    if kind == "message":
        return "message", event.message.task_id, None, texts(event.message.parts)
    if kind == "task":
        return task(event.task)
    if kind == "status_update":
        return "task", event.status_update.task_id, named(event.status_update.status.state), []
    return "task", event.artifact_update.task_id, "working", texts(event.artifact_update.artifact.parts)
