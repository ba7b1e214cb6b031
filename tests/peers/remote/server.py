"""An MCP server that nobody here wrote, with everything that a server can offer: the Python SDK, 1.x and 2.x.

    server.py --port N --public URL [--issuer URL] [--json] [--old] [--record FILE]

`--public` is the address that clients use, `--issuer` an authorization server whose tokens are asked for; without it the
server is open. `--json` answers in JSON instead of streams, `--old` has 2.x refuse the newest revision. What was called is
noted in the record, one JSON line each, so that a call that ran twice can be seen.
"""

import argparse
import asyncio
import base64
import json
import time
import urllib.request
from functools import partial

import jwt
from mcp import types
from mcp.server.auth.middleware.auth_context import get_access_token
from mcp.server.auth.provider import AccessToken
from mcp.server.auth.settings import AuthSettings
from pydantic import BaseModel

try:
    from mcp.server.lowlevel import NotificationOptions
    from mcp.server.mcpserver import Context, MCPServer
    from mcp.server.mcpserver.exceptions import ToolError
    from mcp.server.mcpserver.prompts.base import AssistantMessage, Prompt, UserMessage
    from mcp.server.mcpserver.resources import TextResource

    newer = True
except ImportError:
    from mcp.server.fastmcp import Context
    from mcp.server.fastmcp import FastMCP as MCPServer
    from mcp.server.fastmcp.exceptions import ToolError
    from mcp.server.fastmcp.prompts.base import AssistantMessage, Prompt, UserMessage
    from mcp.server.fastmcp.resources import TextResource
    from mcp.server.lowlevel import NotificationOptions

    newer = False
from mcp.server.streamable_http import EventMessage, EventStore

option = argparse.ArgumentParser()
option.add_argument("--port", type=int, required=True)
option.add_argument("--public", required=True)
option.add_argument("--issuer")
option.add_argument("--json", action="store_true")
option.add_argument("--old", action="store_true")
option.add_argument("--record", default="/dev/null")
option = option.parse_args()

MODERN = "2026-07-28"
LEVELS = ["debug", "info", "notice", "warning", "error", "critical", "alert", "emergency"]
# A picture of one pixel.
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
TONES = ["dry", "warm", "wry"]
TITLES = ["algebra", "alice", "anna"]


def note(event, **detail):
    with open(option.record, "a") as record:
        record.write(json.dumps({"at": time.time(), "event": event, **detail}) + "\n")


class Kept(EventStore):
    """Events of streams that may break off."""

    def __init__(self):
        self.events = []

    async def store_event(self, stream_id, message):
        self.events.append((stream_id, message))
        return str(len(self.events) - 1)

    async def replay_events_after(self, last_event_id, send_callback):
        note("resumed", after=last_event_id)
        stream = self.events[int(last_event_id)][0]
        for number, (other, message) in enumerate(self.events):
            if other == stream and number > int(last_event_id) and message is not None:
                await send_callback(EventMessage(message, str(number)))
        return stream


class Verifier:
    """Reads access tokens as RFC 9068 describes them, with the keys the authorization server publishes."""

    def __init__(self):
        with urllib.request.urlopen(f"{option.issuer}/jwks") as answer:
            keys = json.load(answer)["keys"]
        self.keys = {key["kid"]: jwt.PyJWK(key) for key in keys if key.get("alg") == "ES256"}

    async def verify_token(self, token):
        try:
            header = jwt.get_unverified_header(token)
            if header.get("typ", "").lower() not in ("at+jwt", "application/at+jwt"):
                raise jwt.InvalidTokenError("not an access token")
            claims = jwt.decode(
                token,
                self.keys[header["kid"]],
                algorithms=["ES256"],
                audience=option.public,
                issuer=option.issuer,
                options={"require": ["exp", "iat", "sub", "client_id", "aud", "iss"]},
            )
        except (jwt.InvalidTokenError, KeyError) as error:
            note("token refused", reason=str(error))
            return None
        return AccessToken(
            token=token,
            client_id=claims["client_id"],
            scopes=claims.get("scope", "").split(),
            expires_at=claims["exp"],
            resource=option.public,
            subject=claims["sub"],
        )


def protection():
    if not option.issuer:
        return {}
    auth = AuthSettings(issuer_url=option.issuer, resource_server_url=option.public, required_scopes=["tools"], validate_token_resource=True)
    return {"token_verifier": Verifier(), "auth": auth}


transport = {"event_store": Kept(), "json_response": option.json, "retry_interval": 100}
server = MCPServer("Peer", instructions="A peer with everything.", **protection(), **({} if newer else transport))
low = server._lowlevel_server if newer else server._mcp_server
sessions, subscribers, levels = {}, {}, {}
counter = 0


def key(session):
    return id(session._connection) if newer else id(session)


def modern(ctx):
    return newer and ctx.protocol_version == MODERN


def called(ctx, tool, tag=""):
    token = get_access_token()
    subject = jwt.decode(token.token, options={"verify_signature": False})["sub"] if token else "nobody"
    if not modern(ctx):
        sessions[key(ctx.session)] = ctx.session
    note("called", tool=tool, tag=tag, subject=subject, era="modern" if modern(ctx) else "legacy")
    return subject


class Sum(BaseModel):
    """What `add` answers."""

    total: int


@server.tool()
def add(a: int, b: int, ctx: Context, tag: str = "") -> Sum:
    """Adds two whole numbers."""
    called(ctx, "add", tag)
    return Sum(total=a + b)


@server.tool(structured_output=False)
def echo(text: str, ctx: Context, tag: str = "") -> str:
    """Says the same."""
    called(ctx, "echo", tag)
    return text


@server.tool(structured_output=False)
def whoami(ctx: Context) -> str:
    """Says whose login this is."""
    return called(ctx, "whoami")


@server.tool(structured_output=False)
def broken(ctx: Context, tag: str = "") -> str:
    """Always fails."""
    called(ctx, "broken", tag)
    raise ToolError("the peer refuses on purpose")


@server.tool(structured_output=False)
async def count(steps: int, ctx: Context, tag: str = "", pause: float = 0.02, cut: int = 0) -> str:
    """Counts and reports progress; after step `cut` the stream breaks off."""
    called(ctx, "count", tag)
    for step in range(1, steps + 1):
        await ctx.report_progress(step, steps, f"step {step}")
        if step == cut:
            await ctx.close_sse_stream()
        await asyncio.sleep(pause)
    note("ended", tool="count", tag=tag)
    return f"counted to {steps}"


@server.tool(structured_output=False)
async def stuck(ctx: Context, tag: str = "") -> str:
    """Never answers."""
    called(ctx, "stuck", tag)
    try:
        await asyncio.sleep(600)
    finally:
        note("cancelled", tool="stuck", tag=tag)
    return "never"


@server.tool(structured_output=False)
async def nap(seconds: float, text: str, ctx: Context, tag: str = "") -> str:
    """Says the same, later."""
    called(ctx, "nap", tag)
    await asyncio.sleep(seconds)
    return text


@server.tool(structured_output=False)
def big(size: int, ctx: Context) -> str:
    """Answers with a long text."""
    called(ctx, "big")
    return "0123456789abcdef" * (size // 16)


@server.tool(structured_output=False)
def guarded(ctx: Context, tag: str = "") -> str:
    """Needs the scope `admin`."""
    called(ctx, "guarded", tag)
    return "you may"


# ---- what turns to the client

FORM = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "title": "Name", "minLength": 1},
        "age": {"type": "integer", "minimum": 0, "maximum": 150},
    },
    "required": ["name"],
}


async def asked(ctx, request, later):
    """The client's answer to a request: at once where it can be sent, otherwise in the next round."""
    if not modern(ctx):
        return await later()
    answers = ctx.input_responses or {}
    return answers.get("question") or types.InputRequiredResult(input_requests={"question": request}, request_state="asked once")


def waiting(answer):
    return newer and isinstance(answer, types.InputRequiredResult)


@server.tool(structured_output=False)
async def ask(ctx: Context, tag: str = ""):
    """Asks the person for a name and an age."""
    params = types.ElicitRequestFormParams(message="Who are you?", requestedSchema=FORM)
    request = types.ElicitRequest(params=params) if newer else None
    answer = await asked(ctx, request, lambda: ctx.session.elicit_form("Who are you?", FORM, ctx.request_id))
    if waiting(answer):
        return answer
    called(ctx, "ask", tag)
    return f"{answer.action} {json.dumps(answer.content, sort_keys=True)}"


@server.tool(structured_output=False)
async def visit(url: str, ctx: Context, tag: str = ""):
    """Asks the person to open an address."""
    params = types.ElicitRequestURLParams(message="Please look", url=url, elicitationId=tag)
    request = types.ElicitRequest(params=params) if newer else None
    answer = await asked(ctx, request, lambda: ctx.session.elicit_url("Please look", url, tag, ctx.request_id))
    if waiting(answer):
        return answer
    called(ctx, "visit", tag)
    return answer.action


@server.tool(structured_output=False)
async def sample(question: str, ctx: Context, tag: str = ""):
    """Asks the model."""
    messages = [types.SamplingMessage(role="user", content=types.TextContent(type="text", text=question))]
    request = types.CreateMessageRequest(params=types.CreateMessageRequestParams(messages=messages, maxTokens=50))
    later = lambda: ctx.session.create_message(messages, max_tokens=50, related_request_id=ctx.request_id)
    answer = await asked(ctx, request, later)
    if waiting(answer):
        return answer
    called(ctx, "sample", tag)
    return f"{answer.model} said {answer.content.text}"


@server.tool(structured_output=False)
async def talk(ctx: Context, tag: str = "") -> str:
    """Logs at four levels."""
    called(ctx, "talk", tag)
    wanted = LEVELS.index(levels.get(key(ctx.session), "debug"))
    for level in ("debug", "info", "warning", "error"):
        if LEVELS.index(level) >= wanted:
            await ctx.session.send_log_message(level, {"said": f"{level} {tag}"}, "peer", ctx.request_id)
    return "talked"


# ---- what changes

counted = "peer://counter"


async def everybody(send):
    """Tells every client with a session; those that are gone are forgotten."""
    for name, session in list(sessions.items()):
        try:
            await send(session)
        except Exception:
            sessions.pop(name)


@server.tool(structured_output=False)
async def grow(word: str, ctx: Context) -> str:
    """Offers a tool, a prompt and a resource more."""
    called(ctx, "grow", word)
    server.add_tool(lambda: f"I am {word}", name=f"grown_{word}", description="Is new.", structured_output=False)
    server.add_prompt(Prompt.from_function(lambda: f"Say {word}", name=f"grown_{word}"))
    server.add_resource(TextResource(uri=f"peer://grown/{word}", name=f"grown {word}", text=word))
    for what in ("tools", "prompts", "resources"):
        if newer:
            await getattr(ctx, f"notify_{what}_changed")()
        await everybody(lambda session: getattr(session, f"send_{what[:-1]}_list_changed")())
    return "grown"


@server.tool(structured_output=False)
async def touch(ctx: Context) -> str:
    """Changes the counter."""
    global counter
    called(ctx, "touch")
    counter += 1
    if newer:
        await ctx.notify_resource_updated(counted)
    for session in list(subscribers.values()):
        try:
            await session.send_resource_updated(counted)
        except Exception as error:
            note("not told", reason=str(error))
    return str(counter)


# ---- what is read


@server.prompt()
def greet(who: str, tone: str = "plain") -> list:
    """Greets somebody, with a picture and a note."""
    contents = types.TextResourceContents(uri="peer://note", mimeType="application/json", text='{"kept": true}')
    return [
        UserMessage(types.TextContent(type="text", text=f"Greet {who} in a {tone} tone")),
        AssistantMessage(types.TextContent(type="text", text=f"Dear {who}")),
        UserMessage(types.ImageContent(type="image", data=PIXEL, mimeType="image/png")),
        UserMessage(types.EmbeddedResource(type="resource", resource=contents)),
    ]


@server.resource("peer://note", mime_type="application/json")
def kept() -> str:
    """What is kept."""
    return '{"kept": true}'


@server.resource("peer://picture", mime_type="image/png")
def picture() -> bytes:
    """A picture."""
    return base64.b64decode(PIXEL)


@server.resource(counted, mime_type="text/plain")
def count_of_touches() -> str:
    """What changes."""
    return str(counter)


@server.resource("peer://books/{title}", mime_type="text/plain")
def book(title: str) -> str:
    """A book."""
    return f"once upon a time, {title}"


@server.completion()
async def complete(ref, argument, context):
    """Tones of the prompt and titles of the books."""
    words = {"tone": TONES, "title": TITLES}.get(argument.name, [])
    values = [word for word in words if word.startswith(argument.value)]
    return types.Completion(values=values, total=len(values), hasMore=False)


# ---- what the convenient classes of the SDK leave out

ALL = NotificationOptions(prompts_changed=True, resources_changed=True, tools_changed=True)
if newer:

    async def subscribe(ctx, params):
        note("subscribed", uri=str(params.uri))
        subscribers[key(ctx.session)] = ctx.session
        return types.EmptyResult()

    async def unsubscribe(ctx, params):
        note("unsubscribed", uri=str(params.uri))
        subscribers.pop(key(ctx.session), None)
        return types.EmptyResult()

    async def set_level(ctx, params):
        levels[key(ctx.session)] = params.level
        return types.EmptyResult()

    low.add_request_handler("resources/subscribe", types.SubscribeRequestParams, subscribe)
    low.add_request_handler("resources/unsubscribe", types.UnsubscribeRequestParams, unsubscribe)
    low.add_request_handler("logging/setLevel", types.SetLevelRequestParams, set_level)
    low.create_initialization_options = partial(low.create_initialization_options, ALL)
else:

    @low.subscribe_resource()
    async def subscribe(uri):
        note("subscribed", uri=str(uri))
        subscribers[key(low.request_context.session)] = low.request_context.session

    @low.unsubscribe_resource()
    async def unsubscribe(uri):
        note("unsubscribed", uri=str(uri))
        subscribers.pop(key(low.request_context.session), None)

    @low.set_logging_level()
    async def set_level(level):
        levels[key(low.request_context.session)] = level

    plain = low.get_capabilities

    def capabilities(_, experimental):
        found = plain(ALL, experimental)
        found.resources.subscribe = True
        return found

    low.get_capabilities = capabilities


class Gatekeeper:
    """What stands before the SDK: a tool that needs a scope more, and a server from before the newest revision."""

    def __init__(self, app):
        self.app = app

    async def __call__(self, scope, receive, send):
        headers = dict(scope.get("headers", ()))
        if scope["type"] == "http" and scope["method"] == "POST":
            if option.old and b"authorization" in headers and headers.get(b"mcp-protocol-version") == MODERN.encode():
                return await self.refuse(send, 400, {"jsonrpc": "2.0", "id": None, "error": {"code": -32000, "message": "Bad Request: Unsupported protocol version"}})
            body = b""
            while True:
                piece = await receive()
                body += piece.get("body", b"")
                if not piece.get("more_body"):
                    break
            if option.issuer and self.lacks(headers, body):
                metadata = option.public.replace("/mcp", "/.well-known/oauth-protected-resource/mcp")
                challenge = f'Bearer error="insufficient_scope", scope="tools admin", resource_metadata="{metadata}"'
                note("scope refused")
                return await self.refuse(send, 403, {"error": "insufficient_scope"}, challenge)
            first = [{"type": "http.request", "body": body}]

            async def again():
                return first.pop() if first else await receive()

            return await self.app(scope, again, send)
        await self.app(scope, receive, send)

    def lacks(self, headers, body):
        try:
            message = json.loads(body)
            token = headers.get(b"authorization", b"").decode().partition(" ")[2]
            scopes = jwt.decode(token, options={"verify_signature": False}).get("scope", "").split()
            return message["method"] == "tools/call" and message["params"]["name"] == "guarded" and "admin" not in scopes
        except (ValueError, KeyError, TypeError, jwt.InvalidTokenError):
            return False

    async def refuse(self, send, status, body, challenge=None):
        headers = [(b"content-type", b"application/json")] + ([(b"www-authenticate", challenge.encode())] if challenge else [])
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": json.dumps(body).encode()})


if __name__ == "__main__":
    import uvicorn

    app = server.streamable_http_app(**transport) if newer else server.streamable_http_app()
    uvicorn.run(Gatekeeper(app), host="127.0.0.1", port=option.port, log_level="warning", timeout_graceful_shutdown=1)
