"""An MCP host that nobody here wrote: the Python SDK as a client, told line by line what to do.

    host.py MODE    (`session` for 1.x and 2.x alike; `auto`, `legacy` or a revision for the Client of 2.x)

PEER is JSON: `command` for a server on standard input and output, or `url` and `token` for one on HTTP. Each line of standard
input is a request, `{"id", "do", …}`, each line of standard output an answer, `{"id", "result"}`; the first one is
`{"ready": revision}`. Requests run at the same time.
"""

import asyncio
import json
import os
import subprocess
import sys
from contextlib import AsyncExitStack, asynccontextmanager

from mcp import ClientSession, StdioServerParameters, types
from mcp.client.stdio import stdio_client

peer = json.loads(os.environ["PEER"])
LEVEL = "io.modelcontextprotocol/logLevel"
MODERN = "2026-07-28"
heard, asked, answers, running = [], [], [], {}


def plain(value):
    return value.model_dump(mode="json", by_alias=True, exclude_none=True)


async def person(context, params):
    """Answers a question as it was told to, and keeps the question."""
    asked.append(plain(params))
    answer = answers.pop(0) if answers else {"action": "decline"}
    if answer.get("opens"):
        # The browser of this person; a login ends in it.
        await asyncio.to_thread(subprocess.run, [*os.environ["BROWSER"].split(), asked[-1]["url"]], timeout=60)
    return types.ElicitResult(action=answer["action"], content=answer.get("content"))


async def model(context, params):
    asked.append({"mode": "sampling", **plain(params)})
    content = types.TextContent(type="text", text="forty-two")
    return types.CreateMessageResult(role="assistant", content=content, model="ring-model", stopReason="endTurn")


async def logged(params):
    heard.append({"log": plain(params)})


async def told(message):
    root = getattr(message, "root", message)
    method = getattr(root, "method", None)
    if isinstance(method, str) and method.endswith(("list_changed", "updated", "elicitation/complete")):
        heard.append({"method": method, **({"uri": str(root.params.uri)} if method.endswith("resources/updated") else {})})


callbacks = {"elicitation_callback": person, "sampling_callback": model, "logging_callback": logged, "message_handler": told}


@asynccontextmanager
async def streams():
    if "command" in peer:
        parameters = StdioServerParameters(command=peer["command"][0], args=peer["command"][1:], env=dict(os.environ))
        async with stdio_client(parameters) as (read, write):
            yield read, write
        return
    headers = {"Authorization": f"Bearer {peer['token']}"} if peer.get("token") else {}
    try:
        import httpx2
        from mcp.client.streamable_http import streamable_http_client

        client = httpx2.AsyncClient(headers=headers, timeout=60)
        async with client, streamable_http_client(peer["url"], http_client=client) as (read, write, *_):
            yield read, write
    except ImportError:
        from mcp.client.streamable_http import streamablehttp_client

        async with streamablehttp_client(peer["url"], headers=headers) as (read, write, _):
            yield read, write


@asynccontextmanager
async def connect(mode):
    if mode == "session":
        async with streams() as pair, ClientSession(*pair, **callbacks) as session:
            hello = await session.initialize()
            yield session, plain(hello)
    else:
        from mcp import Client

        async with Client(streams(), mode=mode, cache=None, **callbacks) as client:
            capabilities = plain(client.server_capabilities)
            yield client, {"protocolVersion": client.protocol_version, "capabilities": capabilities}


class Host:
    def __init__(self, client, hello, stack):
        self.client, self.revision, self.stack, self.subscriptions = client, hello["protocolVersion"], stack, []
        self.modern = self.revision >= MODERN

    async def tools(self):
        return plain(await self.client.list_tools())["tools"]

    async def prompts(self):
        return plain(await self.client.list_prompts())["prompts"]

    async def resources(self):
        return plain(await self.client.list_resources())["resources"]

    async def templates(self):
        return plain(await self.client.list_resource_templates())["resourceTemplates"]

    async def level(self, level):
        """Legacy only: the level of the connection."""
        await self.client.set_logging_level(level)

    async def call(self, name, arguments, level=None, progress=False, which=None):
        steps, options = [], {}

        async def step(done, total, message):
            steps.append([done, total, message])

        if level and self.modern:
            options["meta"] = {LEVEL: level}
        if progress:
            options["progress_callback"] = step
        # 1.x tells the server nothing when a call is abandoned: the number is needed to say it as the specification does.
        running[which] = (asyncio.current_task(), getattr(self.client, "_request_id", None))
        try:
            return {**plain(await self.client.call_tool(name, arguments, **options)), "steps": steps}
        finally:
            running.pop(which, None)

    async def stop(self, which):
        task, number = running[which]
        task.cancel()
        if number is not None:
            params = types.CancelledNotificationParams(requestId=number, reason="the person changed their mind")
            await self.client.send_notification(types.ClientNotification(types.CancelledNotification(method="notifications/cancelled", params=params)))

    async def prompt(self, name, arguments):
        return plain(await self.client.get_prompt(name, arguments))

    async def read(self, uri):
        return plain(await self.client.read_resource(uri))["contents"]

    async def complete(self, ref, argument):
        kind = types.PromptReference if ref["type"] == "ref/prompt" else types.ResourceTemplateReference
        return plain(await self.client.complete(kind(**ref), argument))["completion"]

    async def listen(self, uris):
        if not self.modern:
            for uri in uris:
                await self.client.subscribe_resource(uri)
            return {}
        listening = self.client.listen(tools_list_changed=True, prompts_list_changed=True, resources_list_changed=True, resource_subscriptions=uris)
        ready = asyncio.get_running_loop().create_future()
        self.subscriptions.append(asyncio.create_task(self.follow(listening, ready)))
        return await ready

    async def follow(self, listening, ready):
        try:
            async with listening as subscription:
                ready.set_result(plain(subscription.honored))
                async for event in subscription:
                    name = type(event).__name__
                    kind = {"ToolsListChanged": "tools/list_changed", "PromptsListChanged": "prompts/list_changed", "ResourcesListChanged": "resources/list_changed"}
                    if name == "ResourceUpdated":
                        heard.append({"method": "notifications/resources/updated", "uri": event.uri})
                    else:
                        heard.append({"method": f"notifications/{kind[name]}"})
        except Exception as error:
            if not ready.done():
                ready.set_exception(error)
            heard.append({"lost": str(error)})

    async def heard(self):
        return heard

    async def asked(self):
        return asked

    async def answers(self, answers):
        globals()["answers"][:] = answers


async def answer(host, request):
    number, do = request.pop("id"), request.pop("do")
    if do == "call":
        request["which"] = number
    try:
        result = await getattr(host, do)(**request)
    except asyncio.CancelledError:
        result = {"stopped": True}
    except BaseException as error:
        inner = getattr(error, "error", None)
        result = {"error": getattr(inner, "code", None) or type(error).__name__, "message": str(error)}
        if getattr(inner, "data", None) is not None:
            result["data"] = inner.data
    print(json.dumps({"id": number, "result": result}), flush=True)


async def main(mode):
    async with AsyncExitStack() as stack:
        client, hello = await stack.enter_async_context(connect(mode))
        host = Host(client, hello, stack)
        print(json.dumps({"ready": hello["protocolVersion"], "capabilities": hello["capabilities"]}), flush=True)
        tasks = set()
        while line := await asyncio.to_thread(sys.stdin.readline):
            task = asyncio.create_task(answer(host, json.loads(line)))
            tasks.add(task)
            task.add_done_callback(tasks.discard)
        for task in [*tasks, *host.subscriptions]:
            task.cancel()


asyncio.run(main(sys.argv[1]))
