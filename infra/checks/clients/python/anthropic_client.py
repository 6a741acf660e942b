import anthropic
from check import EDGE, KEY, check, end, refuses

client = anthropic.Anthropic(base_url=EDGE, api_key=KEY)
ask = {"model": "chat", "max_tokens": 16, "messages": [{"role": "user", "content": "Tell me of rivers."}]}
schema = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}


@check("models.list")
def _():
    assert client.models.list().data[0].display_name


@check("messages.create")
def _():
    message = client.messages.create(**ask)
    assert message.content[0].text and message.usage.output_tokens


@check("messages.stream")
def _():
    with client.messages.stream(**ask) as stream:
        text = "".join(stream.text_stream)
        assert stream.get_final_message().content[0].text == text and text


@check("tools, both turns")
def _():
    asked = {**ask, "max_tokens": 100, "tools": [{"name": "weather", "input_schema": schema}]}
    first = client.messages.create(**asked, tool_choice={"type": "any"})
    use = next(block for block in first.content if block.type == "tool_use")
    result = {"type": "tool_result", "tool_use_id": use.id, "content": "sunny"}
    turns = [{"role": "assistant", "content": first.content}, {"role": "user", "content": [result]}]
    asked["messages"] = [*ask["messages"], *turns]
    assert client.messages.create(**asked, tool_choice={"type": "none"}).content[0].text


@check("messages.count_tokens")
def _():
    assert client.messages.count_tokens(model="chat", messages=ask["messages"]).input_tokens


@check("a wrong key, model and value are the SDK's own errors")
def _():
    stranger = anthropic.Anthropic(base_url=EDGE, api_key="sk-pen-wrong")
    refuses(anthropic.AuthenticationError, lambda: stranger.messages.create(**ask))
    refuses(anthropic.NotFoundError, lambda: client.messages.create(**{**ask, "model": "none"}))
    refuses(anthropic.BadRequestError, lambda: client.messages.create(**ask, extra_body={"temperature": 9}))


end()
