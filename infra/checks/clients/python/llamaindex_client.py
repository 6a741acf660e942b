from check import EDGE, KEY, check, end
from llama_index.core.llms import ChatMessage
from llama_index.llms.openai_like import OpenAILike

common = {"api_base": f"{EDGE}/v1", "api_key": KEY, "is_chat_model": True, "context_window": 131_072}
llm = OpenAILike(model="chat", max_tokens=32, **common)


@check("complete")
def _():
    assert llm.complete("Tell me of rivers.").text


@check("chat")
def _():
    assert llm.chat([ChatMessage(role="user", content="Tell me of rivers.")]).message.content


@check("stream")
def _():
    assert "".join(piece.delta or "" for piece in llm.stream_complete("Tell me of rivers."))


end()
