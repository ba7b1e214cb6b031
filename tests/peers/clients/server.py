"""An open MCP server from the Python SDK, over stdio or on a port, with the same tools as the protected one.

    server.py stdio | server.py PORT

The clients are proven against it over stdio; the binary reaches it on a port as a remote connection. `stuck` never
answers and writes a line to the file in STUCK_LOG when it is cancelled.
"""

import asyncio
import os
import sys

from pydantic import BaseModel

try:
    from mcp.server.mcpserver import Context, MCPServer
    from mcp.server.mcpserver.exceptions import ToolError
except ImportError:
    from mcp.server.fastmcp import Context
    from mcp.server.fastmcp import FastMCP as MCPServer
    from mcp.server.fastmcp.exceptions import ToolError

server = MCPServer("Open peer")


class Sum(BaseModel):
    """What `add` answers."""

    total: int


@server.tool()
def add(a: int, b: int) -> Sum:
    """Adds two whole numbers."""
    return Sum(total=a + b)


@server.tool()
async def slow(steps: int, ctx: Context) -> str:
    """Counts, a twentieth of a second per step, and reports progress."""
    for step in range(steps):
        await ctx.report_progress(step + 1, steps, f"step {step + 1}")
        await asyncio.sleep(0.05)
    return f"counted to {steps}"


@server.tool()
async def stuck() -> str:
    """Never answers."""
    note("started")
    try:
        await asyncio.sleep(600)
    finally:
        note("cancelled")
    return "never"


@server.tool()
def broken() -> str:
    """Always fails."""
    raise ToolError("the peer refuses on purpose")


@server.prompt()
def greet(who: str, tone: str = "plain") -> str:
    """Greets somebody."""
    return f"Greet {who} in a {tone} tone"


@server.resource("peer://note", mime_type="application/json")
def kept() -> str:
    """What is kept."""
    return '{"kept": true}'


@server.resource("peer://books/{title}", mime_type="application/json")
def book(title: str) -> str:
    """A book."""
    return '{"title": "%s"}' % title


def note(word):
    if os.environ.get("STUCK_LOG"):
        with open(os.environ["STUCK_LOG"], "a") as log:
            log.write(word + "\n")


if __name__ == "__main__":
    if sys.argv[1] == "stdio":
        server.run("stdio")
    else:
        import uvicorn

        uvicorn.run(server.streamable_http_app(), host="127.0.0.1", port=int(sys.argv[1]), log_level="warning")
