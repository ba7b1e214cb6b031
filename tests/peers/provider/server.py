"""A protected MCP server that nobody here wrote: the Python SDK, behind the authorization server of provider.mjs.

    server.py --port N --issuer URL [--record FILE]

It checks signature, issuer, audience, expiry and scope of every access token, serves its resource metadata, and notes
for each tool call who called and how long the token had left. Works with the SDK's 1.x and 2.x.
"""

import argparse
import asyncio
import json
import time
import urllib.request

import jwt
from mcp.server.auth.provider import AccessToken
from mcp.server.auth.settings import AuthSettings
from pydantic import BaseModel

try:
    from mcp.server.mcpserver import Context, MCPServer
    from mcp.server.mcpserver.exceptions import ToolError
except ImportError:
    from mcp.server.fastmcp import Context
    from mcp.server.fastmcp import FastMCP as MCPServer
    from mcp.server.fastmcp.exceptions import ToolError
from mcp.server.auth.middleware.auth_context import get_access_token

option = argparse.ArgumentParser()
option.add_argument("--port", type=int, required=True)
option.add_argument("--issuer", required=True)
option.add_argument("--record", default="/dev/null")
option = option.parse_args()
resource = f"http://127.0.0.1:{option.port}/mcp"


def note(event, **detail):
    with open(option.record, "a") as record:
        record.write(json.dumps({"at": time.time(), "event": event, **detail}) + "\n")


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
                audience=resource,
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
            resource=resource,
            **({"subject": claims["sub"]} if "subject" in AccessToken.model_fields else {}),
        )


server = MCPServer(
    "Protected peer",
    instructions="Answers only those who logged in.",
    token_verifier=Verifier(),
    # Texts, not URL values: 2.x keeps the issuer as it is written, 1.x adds a slash, as many servers in the field do.
    auth=AuthSettings(
        issuer_url=option.issuer,
        resource_server_url=resource,
        required_scopes=["tools"],
        **({"validate_token_resource": True} if "validate_token_resource" in AuthSettings.model_fields else {}),
    ),
)


class Sum(BaseModel):
    """What `add` answers."""

    total: int


def called(tool):
    token = get_access_token()
    claims = jwt.decode(token.token, options={"verify_signature": False})
    note("called", tool=tool, subject=claims["sub"], left=claims["exp"] - time.time())
    return claims["sub"]


@server.tool()
def add(a: int, b: int) -> Sum:
    """Adds two whole numbers."""
    called("add")
    return Sum(total=a + b)


@server.tool()
def whoami() -> str:
    """Says whose login this is."""
    return called("whoami")


@server.tool()
async def slow(steps: int, ctx: Context) -> str:
    """Counts, a tenth of a second per step, and reports progress."""
    called("slow")
    for step in range(steps):
        await ctx.report_progress(step + 1, steps, f"step {step + 1}")
        await asyncio.sleep(0.1)
    return f"counted to {steps}"


@server.tool()
def broken() -> str:
    """Always fails."""
    called("broken")
    raise ToolError("the peer refuses on purpose")


if __name__ == "__main__":
    import uvicorn

    uvicorn.run(server.streamable_http_app(), host="127.0.0.1", port=option.port, log_level="warning")
