"""Holds answers against the types that OpenAI and Anthropic publish with their Python SDKs.

    python published.py <ANSWERS

Reads one JSON object a line: {"protocol": "responses" | "messages", "name", "answer"} or {…, "event"}, and prints one
line for each that is not of the published form: what the SDK's own types say of it, read strictly.  Members beyond the
published ones are no fault: both companies add them without notice, and SDKs pass them on.
"""

import json
import sys
import typing

from anthropic.types import Message, RawMessageStreamEvent
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import TypeAdapter, ValidationError

# What Anthropic's SDK skips, or throws: neither has a type of its own.
UNTYPED = {"ping", "error"}


def by_type(union):
    """The classes of a union, each by the one `type` that it has."""
    classes = typing.get_args(typing.get_args(union)[0])
    return {typing.get_args(one.model_fields["type"].annotation)[0]: TypeAdapter(one) for one in classes}


ANSWERS = {"responses": TypeAdapter(Response), "messages": TypeAdapter(Message)}
EVENTS = {"responses": by_type(ResponseStreamEvent), "messages": by_type(RawMessageStreamEvent)}


def find_fault(protocol, told):
    if "answer" in told:
        adapter, value = ANSWERS[protocol], told["answer"]
    else:
        value = told["event"]
        adapter = EVENTS[protocol].get(value.get("type"))
        if adapter is None:
            return None if protocol == "messages" and value.get("type") in UNTYPED else "no event of this type"
    try:
        adapter.validate_json(json.dumps(value), strict=True)
    except ValidationError as fault:
        first = fault.errors(include_url=False)[0]
        return ".".join(str(step) for step in first["loc"]) + ": " + first["msg"]


for line in sys.stdin:
    told = json.loads(line)
    fault = find_fault(told["protocol"], told)
    if fault is not None:
        kind = "answer" if "answer" in told else told["event"].get("type")
        print(f"{told['protocol']}, {told['name']}, {kind}: {fault}")
