"""The Python SDK as a client of a stdio server: does what the plan says and prints one JSON object with what it saw.

    client.py MODE    (`session` for 1.x and 2.x alike; `auto`, `legacy` or a revision for the Client of 2.x)

The plan is JSON in PLAN: `command`, under `good`, `bad`, `progress` and `stuck` a tool with its arguments, under `prompt` a
prompt with its own, under `resources` addresses, and under `asks` a tool with its arguments and what the person says to
its questions.
"""

import asyncio
import json
import os
import sys
from contextlib import asynccontextmanager

from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client

plan = json.loads(os.environ["PLAN"])
parameters = StdioServerParameters(command=plan["command"][0], args=plan["command"][1:], env=dict(os.environ))


asked = []


async def person(context, params):
    """Says what the plan says, and keeps the question."""
    from mcp import types

    asked.append(plain(params))
    return types.ElicitResult(action=plan["asks"]["answers"][len(asked) - 1], content=None)


# Who has no person to ask does not say that it has one.
asks = {"elicitation_callback": person} if "asks" in plan else {}


@asynccontextmanager
async def connect(mode):
    if mode == "session":
        async with stdio_client(parameters) as streams, ClientSession(*streams, **asks) as session:
            hello = plain(await session.initialize())
            yield session, hello["protocolVersion"]
    else:
        from mcp import Client

        async with Client(parameters, mode=mode, **asks) as client:
            yield client, client.protocol_version


def plain(value):
    return value.model_dump(mode="json", by_alias=True, exclude_none=True)


async def outcome(call):
    try:
        return plain(await call)
    except Exception as error:
        inner = getattr(error, "error", None)
        return {"error": getattr(inner, "code", None) or type(error).__name__, "message": str(error)}


async def cancel(session, request):
    from mcp import types

    params = types.CancelledNotificationParams(requestId=request, reason="the person changed their mind")
    await session.send_notification(types.ClientNotification(types.CancelledNotification(method="notifications/cancelled", params=params)))


async def main(mode):
    seen, steps = {}, []

    async def progress(done, total, message):
        steps.append([done, total])

    async with connect(mode) as (client, seen["revision"]):
        seen["tools"] = plain(await client.list_tools())["tools"]
        seen["good"] = await outcome(client.call_tool(*plan["good"]))
        seen["bad"] = await outcome(client.call_tool(*plan["bad"]))
        seen["unknown"] = await outcome(client.call_tool("no_such_tool_anywhere", {}))
        if "progress" in plan:
            seen["progress"] = await outcome(client.call_tool(*plan["progress"], progress_callback=progress))
            seen["steps"] = steps
        if "stuck" in plan:
            abandoned = getattr(client, "_request_id", None)
            try:
                await asyncio.wait_for(client.call_tool(*plan["stuck"]), 1)
                seen["stuck"] = "answered"
            except asyncio.TimeoutError:
                seen["stuck"] = "abandoned"
            if hasattr(client, "_request_id"):
                # 1.x tells the server nothing when a call is abandoned: say it as the specification does.
                await cancel(client, abandoned)
            seen["after"] = await outcome(client.call_tool(*plan["good"]))
        if "prompt" in plan:
            name, given = plan["prompt"]
            seen["prompts"] = plain(await client.list_prompts())["prompts"]
            seen["prompt"] = await outcome(client.get_prompt(name, given))
            seen["lacking"] = await outcome(client.get_prompt(name, {}))
            seen["resources"] = plain(await client.list_resources())["resources"]
            seen["families"] = plain(await client.list_resource_templates())["resourceTemplates"]
            seen["read"] = [await outcome(client.read_resource(uri)) for uri in plan["resources"]]
        if "asks" in plan:
            calls = [await outcome(client.call_tool(*plan["asks"]["tool"])) for _ in plan["asks"]["answers"]]
            seen["asked"] = {"questions": asked, "calls": calls}
        many = await asyncio.gather(*(outcome(client.call_tool(*plan["good"])) for _ in range(20)))
        seen["many"] = sum(1 for answer in many if "error" not in answer and not answer.get("isError"))
    print(json.dumps(seen))


asyncio.run(main(sys.argv[1]))
