import os

from check import EDGE, KEY, check, end

os.environ.update(OPENAI_BASE_URL=f"{EDGE}/v1", OPENAI_API_KEY=KEY)
os.environ.update(ANTHROPIC_BASE_URL=EDGE, ANTHROPIC_API_KEY=KEY)
from pydantic_ai import Agent  # noqa: E402

for name in ["openai:chat", "openai-chat:chat", "anthropic:chat"]:

    @check(f"run with {name.replace(':', ' ')}")
    def _(name=name):
        agent = Agent(name, model_settings={"max_tokens": 32})
        assert agent.run_sync("Tell me of rivers.").output

    @check(f"a tool with {name.replace(':', ' ')}")
    def _(name=name):
        agent = Agent(name, model_settings={"max_tokens": 200})
        called = []

        @agent.tool_plain
        def weather(city: str) -> str:
            called.append(city)
            return "sunny"

        assert agent.run_sync("Weather in Rome?").output and called


end()
