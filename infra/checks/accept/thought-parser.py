"""What the tiny model says before "Together" counts as its thoughts, so that a server has some: a plugin for vLLM.

    --reasoning-parser-plugin thought-parser.py --reasoning-parser thought

The model knows nothing of thinking; but to "Hello, how are you?" it answers "DownAnTogether are", always.
"""

from vllm.reasoning import ReasoningParserManager
from vllm.reasoning.deepseek_r1_reasoning_parser import DeepSeekR1ReasoningParser


@ReasoningParserManager.register_module("thought")
class ThoughtParser(DeepSeekR1ReasoningParser):
    """Tokens stand for the marks that a model which thinks has."""

    @property
    def start_token(self):
        return "<|endoftext|>"

    @property
    def end_token(self):
        return "Together"
