"""An open MCP server of the Python SDK that speaks TLS: server.py PORT CERTIFICATE KEY."""

import sys

import uvicorn
from mcp.server.mcpserver import MCPServer
from mcp.server.transport_security import TransportSecuritySettings

server = MCPServer("Peer behind a proxy")


@server.tool()
def add(a: int, b: int) -> str:
    """Adds two whole numbers."""
    return f"the sum is {a + b}"


# The names under which it is reached here are no real ones, so the server is told not to look at them.
app = server.streamable_http_app(transport_security=TransportSecuritySettings(enable_dns_rebinding_protection=False))
port, certificate, key = sys.argv[1:]
uvicorn.run(app, host="127.0.0.1", port=int(port), log_level="warning", ssl_certfile=certificate, ssl_keyfile=key)
