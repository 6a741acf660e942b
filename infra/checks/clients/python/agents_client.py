import os

from check import EDGE, KEY, check, end

os.environ.update(OPENAI_BASE_URL=f"{EDGE}/v1", OPENAI_API_KEY=KEY)
from agents import Agent, ModelSettings, Runner, function_tool, set_tracing_disabled  # noqa: E402

set_tracing_disabled(True)


@function_tool
def weather(city: str) -> str:
    """The weather of a city."""
    return "sunny"


@check("run with the default model, Responses")
def _():
    # It takes an answer that was cut at its bound for one that failed.
    agent = Agent(name="Rivers", instructions="Be short.", model="chat")
    assert Runner.run_sync(agent, "Tell me of rivers.").final_output


@check("a tool is called, and its result answered")
def _():
    agent = Agent(name="Weather", model="chat", tools=[weather], model_settings=ModelSettings(max_tokens=200))
    result = Runner.run_sync(agent, "Weather in Rome?", max_turns=4)
    assert result.final_output and len(result.new_items) >= 3


end()
