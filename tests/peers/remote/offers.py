"""The cases that hold for every host and every server: what a server offers arrives, and what it asks is answered.

Each takes a host and the view that it has of one server; the same cases run without keyward, which proves the peers.
"""

import base64
import itertools
import json

from stage import eventually, failure, same, words

TOOLS = {"add", "echo", "whoami", "broken", "count", "stuck", "nap", "big", "guarded", "ask", "visit", "sample", "talk", "grow", "touch"}
MiB = 1 << 20
tags = itertools.count(1)


def fresh():
    return f"t{next(tags)}"


def heard(host, since, method):
    return [said for said in host.do("heard")[since:] if said.get("method") == f"notifications/{method}"]


def lists(host, view):
    """tools, prompts, resources and templates are all there, under their names."""
    tools = {view.mine(tool["name"]) for tool in host.do("tools")} - {None}
    assert tools >= TOOLS, f"missing: {TOOLS - tools}"
    assert "greet" in {view.mine(prompt["name"]) for prompt in host.do("prompts")}
    listed = host.do("resources")
    kinds = {word: next(r.get("mimeType") for r in listed if r["uri"] == view.address(listed, word)) for word in ("note", "picture", "counter")}
    same(kinds, {"note": "application/json", "picture": "image/png", "counter": "text/plain"})
    view.address(host.do("templates"), "books", "uriTemplate")


def structure(host, view):
    """a call answers with structured content and its text, and runs once."""
    tag = fresh()
    answer = host.call(view.name("add"), a=1, b=2, tag=tag)
    same(answer["structuredContent"], {"total": 3})
    same(json.loads(words(answer)), {"total": 3})
    view.server.once(tag)
    same(words(host.call(view.name("whoami"))), "ada")


def schema(host, view):
    """the output schema arrives as it is."""
    (tool,) = [tool for tool in host.do("tools") if tool["name"] == view.name("add")]
    same(tool["outputSchema"]["properties"]["total"]["type"], "integer")
    same(tool["inputSchema"]["required"], ["a", "b"])


def error(host, view):
    """a tool's failure arrives as a failure of the tool, with its words."""
    tag = fresh()
    answer = host.call(view.name("broken"), tag=tag)
    same(answer.get("isError"), True, str(answer))
    assert "refuses on purpose" in failure(answer), answer
    view.server.once(tag)


def wrong(host, view):
    """arguments that the tool does not take are a failure that says so."""
    text = failure(host.call(view.name("add"), a="many", b=2))
    assert "a" in text, text


def progress(host, view):
    """progress arrives while the call runs, and only grows."""
    tag = fresh()
    answer = host.call(view.name("count"), progress=True, steps=6, tag=tag)
    same(words(answer), "counted to 6")
    steps = [step for step, _, _ in answer["steps"]]
    assert len(steps) >= 2 and steps == sorted(set(steps)), f"progress {answer['steps']}"
    same({total for _, total, _ in answer["steps"]}, {6.0}, "totals")
    assert all(message for _, _, message in answer["steps"]), answer["steps"]
    view.server.once(tag)


def cancellation(host, view):
    """a call that the person gives up is ended at the server."""
    tag = fresh()
    number, outcome = host.begin("call", name=view.name("stuck"), arguments={"tag": tag})
    eventually(lambda: view.server.noted("called", tag), "the call's arrival")
    host.do("stop", which=number)
    eventually(lambda: view.server.noted("cancelled", tag), "the call's end at the server")
    outcome.result(10)
    same(words(host.call(view.name("echo"), text="still here")), "still here")


def large(host, view):
    """a result of 5 MiB arrives whole."""
    # Without keyward one of the clients takes no more than 1 MiB.
    size = 5 * MiB if view.connection else MiB // 2
    text = words(host.call(view.name("big"), size=size))
    assert text == "0123456789abcdef" * (size // 16), f"{len(text)} bytes"


def form(host, view):
    """a form is shown as it was written, and accepted, declined or cancelled it is answered so."""
    said = [{"action": "accept", "content": {"name": "Ada", "age": 36}}, {"action": "decline"}, {"action": "cancel"}]
    before = len(host.do("asked"))
    host.do("answers", answers=said)
    tags = [fresh() for _ in said]
    answers = [words(host.call(view.name("ask"), tag=tag)) for tag in tags]
    same([answer.split()[0] for answer in answers], ["accept", "decline", "cancel"])
    same(json.loads(answers[0].partition(" ")[2]), {"name": "Ada", "age": 36})
    questions = host.do("asked")[before:]
    same(len(questions), 3, "questions")
    for question in questions:
        assert "Who are you?" in question["message"], question
        same(set(question["requestedSchema"]["properties"]), {"name", "age"})
    for tag in tags:
        view.server.once(tag)


def page(host, view):
    """an address that the person is to open arrives unchanged, and the person's yes goes back."""
    url, tag = "https://example.com/look?at=this", fresh()
    before = len(host.do("asked"))
    host.do("answers", answers=[{"action": "accept"}])
    same(words(host.call(view.name("visit"), url=url, tag=tag)), "accept")
    (question,) = host.do("asked")[before:]
    same((question["mode"], question["url"]), ("url", url))
    assert "Please look" in question["message"], question
    view.server.once(tag)


def sampling(host, view):
    """the server asks the host's model and gets what it says."""
    tag = fresh()
    before = len(host.do("asked"))
    same(words(host.call(view.name("sample"), question="what is the answer", tag=tag)), "ring-model said forty-two")
    (question,) = host.do("asked")[before:]
    assert "what is the answer" in json.dumps(question["messages"]), question
    view.server.once(tag)


def logs(host, view):
    """log messages arrive from the wanted level on, and none below it."""
    tag = fresh()
    if not host.is_modern:
        host.do("level", level="warning")
    words(host.call(view.name("talk"), level="warning", tag=tag))

    def levels():
        said = [one["log"] for one in host.do("heard") if "log" in one and tag in json.dumps(one["log"]["data"])]
        return [one["level"] for one in said]

    eventually(lambda: "error" in levels(), "the last log message", 10)
    same(levels(), ["warning", "error"], "levels")


def prompt(host, view):
    """a prompt is filled in and has all its messages: texts of both roles, a picture, an embedded resource."""
    messages = host.do("prompt", name=view.name("greet"), arguments={"who": "Bob", "tone": "dry"})["messages"]
    kinds = [(message["role"], message["content"]["type"]) for message in messages]
    same(kinds, [("user", "text"), ("assistant", "text"), ("user", "image"), ("user", "resource")])
    same(messages[0]["content"]["text"], "Greet Bob in a dry tone")
    assert base64.b64decode(messages[2]["content"]["data"]).startswith(b"\x89PNG"), messages[2]
    same(messages[3]["content"]["resource"]["text"], '{"kept": true}')


def read(host, view):
    """a text, a picture and a member of a template are read, each under the address that was asked for."""
    listed = host.do("resources")
    template = view.address(host.do("templates"), "books", "uriTemplate")
    wanted = {view.address(listed, "note"): ("text", '{"kept": true}'), template.replace("{title}", "alice"): ("text", "once upon a time, alice")}
    for uri, (kind, value) in wanted.items():
        contents = host.do("read", uri=uri)
        same([(one["uri"], one[kind]) for one in contents], [(uri, value)])
    (content,) = host.do("read", uri=view.address(listed, "picture"))
    same(content["mimeType"], "image/png")
    assert base64.b64decode(content["blob"]).startswith(b"\x89PNG"), content


def nothing(host, view):
    """a resource that is not there is an error."""
    uri = view.address(host.do("resources"), "note").replace("note", "nothing-here")
    answer = host.do("read", uri=uri)
    assert "error" in answer, answer


def completion(host, view):
    """an argument of a prompt and a variable of a template are completed."""
    found = host.do("complete", ref={"type": "ref/prompt", "name": view.name("greet")}, argument={"name": "tone", "value": "w"})
    same(found["values"], ["warm", "wry"])
    template = view.address(host.do("templates"), "books", "uriTemplate")
    found = host.do("complete", ref={"type": "ref/resource", "uri": template}, argument={"name": "title", "value": "al"})
    same(found["values"], ["algebra", "alice"])


def subscription(host, view):
    """a change of a resource is told to who subscribed to it, and the new contents are there."""
    uri = view.address(host.do("resources"), "counter")
    since = len(host.do("heard"))
    assert "error" not in (host.do("listen", uris=[uri]) or {})
    eventually(lambda: touched(host, view, since, uri), "news of the resource", 20)


def touched(host, view, since, uri):
    """Whether news of a change arrived; it is made again until a subscription that only just began hears it."""
    value = words(host.call(view.name("touch")))
    try:
        eventually(lambda: any(one["uri"] == uri for one in heard(host, since, "resources/updated")), "news", 2)
    except AssertionError:
        return False
    (content,) = host.do("read", uri=uri)
    assert int(content["text"]) >= int(value), content
    return True


def growth(host, view):
    """a change of the lists is told, and what is new is there and works."""
    word = fresh()
    assert "error" not in (host.do("listen", uris=[]) or {})
    since = len(host.do("heard"))
    words(host.call(view.name("grow"), word=word))
    for what in ("tools", "prompts", "resources"):
        eventually(lambda: heard(host, since, f"{what}/list_changed"), f"news of the {what}", 10)
    name = view.name(f"grown_{word}")
    eventually(lambda: name in [tool["name"] for tool in host.do("tools")], "the new tool", 10)
    eventually(lambda: name in [prompt["name"] for prompt in host.do("prompts")], "the new prompt", 10)
    eventually(lambda: any(f"grown/{word}" in one["uri"] for one in host.do("resources")), "the new resource", 10)
    same(words(host.call(name)), f"I am {word}")


def required(host, view):
    """a call that is refused until a page was opened leads the person to that page, and then runs."""
    url, tag = "https://example.com/pay?for=this", fresh()
    before = len(host.do("asked"))
    host.do("answers", answers=[{"action": "accept"}])
    answer = host.call(view.name("pay"), url=url, tag=tag)
    # A host of the older kind may be given the refusal itself, in which the page is.
    if answer.get("error") == -32042:
        assert not host.is_modern and url in json.dumps(answer), answer
        answer = host.call(view.name("pay"), url=url, tag=tag)
    else:
        same([question["url"] for question in host.do("asked")[before:]], [url], "pages shown")
    same(words(answer), "paid")


# What needs a stream beside the answer: a server that answers in JSON has none for it.
NEED_STREAMS = [progress, form, page, sampling, logs]
CASES = [
    lists, schema, structure, error, wrong, progress, cancellation, large, form, page, required, sampling, logs, prompt, read,
    nothing, completion, subscription, growth,
]
