"""A server written with FastMCP, with one tool that makes one HTTP call: what people write themselves.

    peer.py URL
"""

import sys

import httpx2
from fastmcp import FastMCP

service = httpx2.AsyncClient(timeout=60, limits=httpx2.Limits(max_connections=None))
server = FastMCP("peer")


@server.tool
async def search(query: str) -> dict:
    """Searches."""
    answer = await service.post(f"{sys.argv[1]}/search", json={"query": query})
    answer.raise_for_status()
    return answer.json()


server.run(show_banner=False)
