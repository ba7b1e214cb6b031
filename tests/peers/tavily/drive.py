"""The stand-in for Tavily, asked by Tavily's own library `tavily-python`, and keyward's answers beside it.

Run with KEYWARD_BIN set and the interpreter that has it. The library runs unmodified; the sandbox is its `api_base_url`.
"""

import asyncio
import json
import subprocess
import sys
from pathlib import Path

here = Path(__file__).resolve().parent
sys.path.insert(0, str(here.parent))
import ring
from ring import Keyward, eventually, http, needs, same

KEY = "tvly-dev-canary-of-the-ring"
_, sandbox = ring.start("sandbox", Keyward().program, "sandbox", "--json")
service = f"{sandbox['url']}/tavily"

from tavily import AsyncTavilyClient, TavilyClient
from tavily.errors import (
    BadRequestError,
    ForbiddenError,
    InvalidAPIKeyError,
    KeylessUnsupportedEndpointError,
    TavilyKeylessLimitError,
    UsageLimitExceededError,
)

theirs = TavilyClient(KEY, api_base_url=service)


def ours(*defaults, key=KEY):
    """A keyward whose connection leads to the stand-in."""
    program = Keyward(**({"KEYWARD_TOKEN_TAVILY": key} if key else {}))
    program.config(f"[connections.tavily]\nurl = {json.dumps(service)}\ndefaults = {json.dumps(defaults)}\n")
    return program


keyed, keyless = ours(), ours(key=None)


def asked(tool, program=keyed, code=0, **arguments):
    """The structured result of a call, or what it was refused with."""
    done = program("call", f"tavily_{tool}", "--arguments", json.dumps(arguments), "--json").must(code)
    return done.json()["structured"] if code == 0 else json.dumps(done.json()["error"])


def seen(since=0):
    return http("GET", f"{service}/received")["received"][since:]


def refused(kind, call, *words):
    try:
        call()
    except kind as error:
        assert all(word in str(error) for word in words), f"{error} says nothing of {words}"
        return error
    raise AssertionError(f"no {kind.__name__}")


def there(value):
    """A value as keyward writes it: what is absent is not there."""
    if isinstance(value, dict):
        return {name: there(inner) for name, inner in value.items() if inner not in (None, [], "")}
    if isinstance(value, list):
        return [there(inner) for inner in value]
    return value


def alike(found, expected, *besides):
    """The two answers hold the same."""
    found, expected = there(found), there(expected)
    for name in ("response_time", "usage", "notes", *besides):
        found.pop(name, None), expected.pop(name, None)
    same(found, expected)


SEARCH = dict(
    query="who designed the opera house", search_depth="advanced", topic="news", max_results=7, include_answer="advanced",
    include_raw_content="text", include_images=True, include_image_descriptions=True, include_favicon=True,
    include_domains=["example.org"], exclude_domains=["example.net"], exact_match=True, auto_parameters=True,
)


def searches_agree():
    """A search with a key, without one and asynchronously finds what keyward finds."""
    for client, program in ((theirs, keyed), (TavilyClient(api_base_url=service), keyless)):
        alike(asked("search", program, **SEARCH), client.search(**SEARCH))
    found = asyncio.run(AsyncTavilyClient(KEY, api_base_url=service).search(**SEARCH))
    alike(asked("search", **SEARCH), found)
    same(asked("search", query="q", max_results=0)["results"], theirs.search("q", max_results=0)["results"])


def pages_agree():
    """Pages, and those that could not be read, are the same."""
    urls = ["https://example.org/a", "https://example.org/gone"]
    answer = theirs.extract(urls, include_usage=True, query="history", chunks_per_source=2)
    same([one["url"] for one in answer["failed_results"]], ["https://example.org/gone"])
    alike(asked("extract", urls=urls, query="history", chunks_per_source=2), answer)
    refused(BadRequestError, lambda: theirs.extract(["https://example.org"] * 21), "Max 20 URLs are allowed.")


def a_long_page_is_read_to_its_end():
    """A page of 200,000 characters is read in pieces that together are what the library gets."""
    whole = theirs.extract("https://example.org/long")["results"][0]["raw_content"]
    text, offset = "", 0
    while offset is not None:
        (page,) = asked("extract", urls=["https://example.org/long"], offset=offset)["results"]
        text, offset = text + page["raw_content"], page.get("next_offset")
    same(text, whole)


def sites_agree():
    """Sites are read and listed alike, with depth, limits and paths."""
    for arguments in (
        dict(url="docs.example.com"),
        dict(url="docs.example.com", max_depth=3, limit=4, allow_external=False),
        dict(url="https://docs.example.com", max_depth=3, select_paths=["/docs/.*"], exclude_paths=["/docs/start"]),
    ):
        alike(asked("map", **arguments), theirs.map(**arguments))
        found, expected = asked("crawl", **arguments), theirs.crawl(**arguments)
        for page in found["results"]:
            same(page.pop("title"), "")
        alike(found, expected)
    refused(ForbiddenError, lambda: theirs.map("blocked.example"), "[403] URL is not supported")
    assert "does not read this address" in asked("map", code=8, url="blocked.example")


def research_agrees():
    """A task is begun, asked after until it ends, and found again by its id; the report is keyward's."""
    task = theirs.research("batteries", model="mini", citation_format="apa")
    same(task["status"], "pending")
    states = [theirs.get_research(task["request_id"], include_usage=True) for _ in range(3)]
    same([state["status"] for state in states], ["pending", "in_progress", "completed"])
    mine = asked("research", input="batteries", model="mini", citation_format="apa")
    alike(mine, states[-1], "request_id")
    alike(asked("research", request_id=task["request_id"]), states[-1])
    form = {"properties": {"summary": {"type": "string", "description": "A summary."}}, "required": ["summary"]}
    task = theirs.research("batteries", output_schema=form)
    answer = [theirs.get_research(task["request_id"]) for _ in range(3)][-1]["content"]
    same(asked("research", input="batteries", output_schema=form, wait=30)["output"], answer)
    refused(Exception, lambda: theirs.get_research("nobody"), "404")


def a_stream_agrees():
    """A followed report, split anywhere, holds what keyward makes of it."""
    text = b"".join(theirs.research("batteries", stream=True)).decode()
    assert text.endswith("event: done\ndata: {}"), "no blank line at the end"
    frames = [json.loads(line[6:]) for line in text.splitlines() if line.startswith("data: {\"")]
    deltas = [frame["choices"][0]["delta"] for frame in frames]
    report = "".join(delta.get("content", "") for delta in deltas)
    mine = asked("research", input="batteries", stream=True)
    same((mine["content"], mine["sources"]), (report, [one for delta in deltas for one in delta.get("sources", [])]))
    assert b"event: error" in b"".join(theirs.research("fake:error", stream=True))
    refused(BadRequestError, lambda: theirs.research("fake:stream"))


def refusals_agree():
    """Every refusal is the library's own error, and keyward says what helps."""
    for query, kind, words in (
        ("fake:432", ForbiddenError, "credits of the key or of the plan are used up; `https://app.tavily.com`"),
        ("fake:433", ForbiddenError, "limit of pay-as-you-go is reached; `https://app.tavily.com`"),
    ):
        refused(kind, lambda: theirs.search(query))
        error = asked("search", code=9, query=query)
        assert words in error, error
    refused(UsageLimitExceededError, lambda: theirs.search("fake:429"), "excessive requests")
    theirs.search("fake:429")
    before = len(seen())
    asked("search", query="fake:429")
    assert len(seen(before)) <= 2
    refused(BadRequestError, lambda: theirs.search("x" * 401), "Max query length is 400 characters.")
    assert "at most 400 are allowed" in asked("search", code=2, query="x" * 401)
    refused(InvalidAPIKeyError, lambda: TavilyClient("sk-other", api_base_url=service).search("q"), "Unauthorized")
    assert "KEYWARD_TOKEN_TAVILY" in asked("search", ours(key="sk-other"), code=3, query="q")
    cap = refused(TavilyKeylessLimitError, lambda: TavilyClient(api_base_url=service).search("fake:cap"))
    same((cap.code, cap.window, cap.retry_after_seconds), ("hourly_cap_reached", "hour", 1800))
    error = asked("search", keyless, code=9, query="fake:cap")
    assert "keyward login tavily --api-key" in error and "1800 s" in error, error
    refused(KeylessUnsupportedEndpointError, lambda: TavilyClient(api_base_url=service).crawl("a.example"))
    refused(Exception, lambda: theirs.search("fake:500"), "500")
    asked("search", code=8, query="fake:500")


def marks_agree():
    """Project, session and person travel in the same headers, and never in a body."""
    before = len(seen())
    theirs.search("q", project_id="p-1", session_id="s-1", human_id="h-1", client_name="team")
    TavilyClient(KEY, api_base_url=service, project_id="p-1", session_id="s-1", human_id="h-1", org_id="o-1").search("q")
    program = ours("project=p-1", "session=s-1", "human=h-1", "organization=o-1", "client_name=team")
    asked("search", program, query="q")
    names = ("x-project-id", "x-session-id", "x-human-id", "x-client-name", "x-tavily-orgid")
    marks = [tuple(one["headers"].get(name) for name in names) for one in seen(before)]
    same(marks, [("p-1", "s-1", "h-1", "team", None), ("p-1", "s-1", "h-1", None, "o-1"), ("p-1", "s-1", "h-1", "team", "o-1")])


def defaults_yield():
    """What the configuration presets reaches the service, unless the call says something else."""
    program, before = ours("search_depth=advanced", "max_results=3", "include_images=true"), len(seen())
    same(len(asked("search", program, query="q")["results"]), 3)
    same(len(asked("search", program, query="q", max_results=1, search_depth="basic")["results"]), 1)
    bodies = [one["body"] for one in seen(before)]
    same([body["search_depth"] for body in bodies], ["advanced", "basic"])
    done = program("config", "set", "connections.tavily.defaults", "max_results=21").must(5)
    assert "from 0 to 20" in done.err, str(done)


def cancelling_stops_the_task():
    """A host that cancels a followed task closes its stream; progress had told of it."""
    process = keyed.start("serve", stdin=subprocess.PIPE)

    def say(message):
        process.stdin.write(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")
        process.stdin.flush()

    hello = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "ring", "version": "1"}}
    say({"id": 1, "method": "initialize", "params": hello})
    say({"method": "notifications/initialized"})
    call = {"name": "tavily_research", "arguments": {"input": "fake:slow"}, "_meta": {"progressToken": 7}}
    say({"id": 2, "method": "tools/call", "params": call})
    for line in process.stdout:
        if json.loads(line).get("params", {}).get("message") == "# The first":
            break
    say({"method": "notifications/cancelled", "params": {"requestId": 2}})
    eventually(lambda: [one for one in seen() if one["method"] == "CLOSED"], "the end of the stream")
    ring.stop(process)


def credits_agree():
    """The credits are those the service tells the library's requests, and a JSON Web Token does not get them."""
    mine = asked("usage")
    same((mine["key"]["limit"], mine["account"]["current_plan"]), (1000.0, "Bootstrap"))
    answer = theirs.session.get(f"{service}/usage").json()
    alike(mine, answer)
    same(theirs.session.get(f"{service}/usage", headers={"Authorization": "Bearer a.b.c"}).status_code, 401)


@needs(searches_agree)
def no_key_in_a_body():
    """No body and no recorded header holds the key."""
    assert KEY not in json.dumps(seen())
    assert not any("api_key" in one["body"] for one in seen() if isinstance(one["body"], dict))


sys.exit(
    ring.run(
        [
            searches_agree,
            pages_agree,
            a_long_page_is_read_to_its_end,
            sites_agree,
            research_agrees,
            a_stream_agrees,
            refusals_agree,
            marks_agree,
            defaults_yield,
            cancelling_stops_the_task,
            credits_agree,
            no_key_in_a_body,
        ]
    )
)
