"""An independent client against the same peers: the Python SDK's own OAuth client logs in, calls and renews.

    stranger.py URL

Proves the ring itself: what fails here is the peers' fault, not the binary's. Prints one JSON line with what it saw.
"""

import asyncio
import json
import os
import sys
import urllib.parse

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
from mcp import ClientSession
from mcp.client.auth import OAuthClientProvider
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import OAuthClientMetadata
from pydantic import AnyUrl

from person import Person

try:
    import httpx2 as httpx
except ImportError:
    import httpx


class Callback:
    """The loopback listener of this client: answers every request, keeps the first callback."""

    async def listen(self):
        self.arrived = asyncio.get_running_loop().create_future()
        self.server = await asyncio.start_server(self.answer, "127.0.0.1", 0)
        return f"http://127.0.0.1:{self.server.sockets[0].getsockname()[1]}/callback"

    async def answer(self, reader, writer):
        target = (await reader.readline()).split()[1].decode()
        if target.startswith("/callback") and not self.arrived.done():
            self.arrived.set_result(dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(target).query)))
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\nconnection: close\r\n\r\ndone")
        await writer.drain()
        writer.close()


class Memory:
    tokens = client = None

    async def get_tokens(self):
        return self.tokens

    async def set_tokens(self, tokens):
        self.tokens = tokens

    async def get_client_info(self):
        return self.client

    async def set_client_info(self, client):
        self.client = client


async def main(url):
    callback = Callback()
    redirect = await callback.listen()
    person = None

    async def show(address):
        nonlocal person
        person = asyncio.get_running_loop().run_in_executor(None, Person().go, address)

    async def wait():
        arrived = await callback.arrived
        from mcp.shared.auth import AuthorizationCodeResult

        return AuthorizationCodeResult(code=arrived["code"], state=arrived["state"], iss=arrived.get("iss"))

    store = Memory()
    login = OAuthClientProvider(
        server_url=url,
        client_metadata=OAuthClientMetadata(
            client_name="stranger",
            redirect_uris=[AnyUrl(redirect)],
            grant_types=["authorization_code", "refresh_token"],
            application_type="native",
            token_endpoint_auth_method="none",
        ),
        storage=store,
        redirect_handler=show,
        callback_handler=wait,
    )
    seen = {}
    async with httpx.AsyncClient(auth=login, timeout=30) as client:
        async with streamable_http_client(url, http_client=client) as streams:
            async with ClientSession(streams[0], streams[1]) as session:
                await session.initialize()
                seen["tools"] = sorted(tool.name for tool in (await session.list_tools()).tools)
                seen["sum"] = (await session.call_tool("add", {"a": 1, "b": 2})).model_dump(mode="json", by_alias=True)["structuredContent"]
                first = store.tokens.refresh_token
                await asyncio.sleep(store.tokens.expires_in + 1)
                seen["again"] = (await session.call_tool("whoami", {})).content[0].text
                seen["rotated"] = store.tokens.refresh_token != first
    seen["page"] = (await person)["text"]
    callback.server.close()
    print(json.dumps(seen))


asyncio.run(main(sys.argv[1]))
