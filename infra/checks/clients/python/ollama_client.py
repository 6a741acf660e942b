import ollama
from check import EDGE, KEY, check, end, refuses

client = ollama.Client(host=EDGE, headers={"Authorization": f"Bearer {KEY}"})
ask = {"model": "chat", "messages": [{"role": "user", "content": "Tell me of rivers."}], "options": {"num_predict": 16}}


@check("list")
def _():
    assert client.list().models


@check("show")
def _():
    assert client.show("chat").capabilities


@check("chat")
def _():
    answer = client.chat(**ask)
    assert answer.message.content and answer.eval_count


@check("chat stream")
def _():
    *_, last = client.chat(**ask, stream=True)
    assert last.done and last.eval_count


@check("generate")
def _():
    assert client.generate("chat", "Hello", options={"num_predict": 8}).response


@check("embed")
def _():
    assert len(client.embed("embed", ["a", "b"]).embeddings) == 2


@check("pull is refused by name")
def _():
    refuses(ollama.ResponseError, lambda: client.pull("chat"))


end()
