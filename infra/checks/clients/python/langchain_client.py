from check import EDGE, KEY, check, end
from langchain_openai import ChatOpenAI, OpenAIEmbeddings

common = {"base_url": f"{EDGE}/v1", "api_key": KEY}
for has_responses in (False, True):
    name = "Responses" if has_responses else "chat"
    model = ChatOpenAI(model="chat", use_responses_api=has_responses, max_tokens=32, **common)

    @check(f"invoke by {name}")
    def _():
        assert model.invoke("Tell me of rivers.").text

    @check(f"stream by {name}")
    def _():
        assert "".join(chunk.text for chunk in model.stream("Tell me of rivers."))


@check("embeddings")
def _():
    # Its default sends OpenAI's token ids to any model.
    embeddings = OpenAIEmbeddings(model="embed", check_embedding_ctx_length=False, **common)
    assert embeddings.embed_query("a")


end()
