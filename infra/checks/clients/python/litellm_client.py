import litellm
from check import EDGE, KEY, check, end, refuses

messages = [{"role": "user", "content": "Tell me of rivers."}]
chat = {"model": "openai/chat", "api_base": f"{EDGE}/v1", "api_key": KEY, "max_tokens": 16}


@check("completion")
def _():
    assert litellm.completion(messages=messages, **chat).choices[0].message.content


@check("completion, streamed")
def _():
    chunks = list(litellm.completion(messages=messages, stream=True, **chat))
    assert any(chunk.choices[0].delta.content for chunk in chunks if chunk.choices)


@check("responses")
def _():
    answer = litellm.responses(model="openai/chat", input="Hello", api_base=f"{EDGE}/v1", api_key=KEY)
    assert answer.output


@check("Anthropic's messages")
def _():
    answer = litellm.completion(model="anthropic/chat", messages=messages, api_base=EDGE, api_key=KEY, max_tokens=16)
    assert answer.choices[0].message.content


@check("a full context is LiteLLM's own error")
def _():
    long = [{"role": "user", "content": "rivers " * 200_000}]
    refuses(litellm.ContextWindowExceededError, lambda: litellm.completion(messages=long, **chat))


end()
