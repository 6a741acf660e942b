import openai
from check import EDGE, KEY, check, end, refuses

client = openai.OpenAI(base_url=f"{EDGE}/v1", api_key=KEY)
messages = [{"role": "user", "content": "Tell me of rivers."}]
parameters = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}


@check("models.list")
def _():
    assert len(client.models.list().data) > 2


@check("chat.completions.create")
def _():
    answer = client.chat.completions.create(model="chat", messages=messages, max_tokens=8)
    assert answer.choices[0].message.content and answer.usage.completion_tokens


@check("chat stream with usage")
def _():
    options = {"stream": True, "stream_options": {"include_usage": True}, "max_tokens": 8}
    chunks = list(client.chat.completions.create(model="chat", messages=messages, **options))
    assert chunks[-1].usage.completion_tokens


@check("responses.create")
def _():
    answer = client.responses.create(model="chat", input="Hello", max_output_tokens=8)
    assert answer.output_text and answer.usage.output_tokens


@check("responses.stream")
def _():
    # Its helper takes an answer that was cut at its bound for one that failed.
    with client.responses.stream(model="chat", input="Hello") as stream:
        text = "".join(event.delta for event in stream if event.type == "response.output_text.delta")
        assert stream.get_final_response().output_text == text and text


@check("responses tools, both turns")
def _():
    tools = [{"type": "function", "name": "weather", "parameters": parameters, "strict": False}]
    asked = {"model": "chat", "tools": tools, "max_output_tokens": 100}
    first = client.responses.create(**asked, input="Weather?", tool_choice="required")
    call = next(item for item in first.output if item.type == "function_call")
    result = {"type": "function_call_output", "call_id": call.call_id, "output": "sunny"}
    turns = [{"role": "user", "content": "Weather?"}, *first.output, result]
    assert client.responses.create(**asked, input=turns, tool_choice="none").output_text


@check("embeddings")
def _():
    assert len(client.embeddings.create(model="embed", input=["a", "b"]).data) == 2


@check("a wrong key, model and value are the SDK's own errors")
def _():
    stranger = openai.OpenAI(base_url=f"{EDGE}/v1", api_key="sk-pen-wrong")
    refuses(openai.AuthenticationError, lambda: stranger.responses.create(model="chat", input="a"))
    refuses(openai.NotFoundError, lambda: client.responses.create(model="none", input="a"))
    refuses(openai.BadRequestError, lambda: client.responses.create(model="chat", input="a", temperature=9))


end()
