"""Prints the types of a message's parts that this vLLM reads, as a JSON list: its OpenAPI does not have them all."""

import json

try:
    from vllm.renderers.chat_utils import MM_PARSER_MAP
except ImportError:  # where it was before 0.30
    from vllm.entrypoints.chat_utils import MM_PARSER_MAP

print(json.dumps(sorted(MM_PARSER_MAP)))
