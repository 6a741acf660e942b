"""Write a tiny Qwen2 model folder for vLLM: config, tokenizer, random weights (1 MB).

    python make-model.py DIR

Its output is nonsense, but the same on every run.  `--load-format dummy` would do without weights,
yet vLLM's dummy weights are so small that all logits agree to six digits: greedy decoding falls into a
cycle of two tokens at once (so that a continuation spliced in wrongly looks right) and a change of batch
may tip the balance.  Weights of ordinary size have neither fault.  The tokenizer is a byte-level BPE
trained here on text made here; it encodes any string.  Everything in the folder depends on this file.
"""

import json
import os
import random
import sys

import numpy
from safetensors.numpy import save_file
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

VOCAB = 1024
HIDDEN = 64
HEAD = 32  # the CPU attention has no kernel for less
HEADS = 2
KV_HEADS = 1
MLP = 128
LAYERS = 2
MAX_LEN = 2048
SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
PLAIN_ADDED = ["<tool_call>", "</tool_call>"]  # as in Qwen2.5: added, but not special

SPLIT = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)

TEMPLATE = """\
{%- if tools %}
    {{- '<|im_start|>system\\n' }}
    {%- if messages[0]['role'] == 'system' %}
        {{- messages[0]['content'] }}
    {%- else %}
        {{- 'You are a helpful assistant.' }}
    {%- endif %}
    {{- "\\n\\n# Tools\\n\\nYou may call one or more functions to assist with the user query.\\n\\n\
You are provided with function signatures within <tools></tools> XML tags:\\n<tools>" }}
    {%- for tool in tools %}
        {{- "\\n" }}
        {{- tool | tojson }}
    {%- endfor %}
    {{- "\\n</tools>\\n\\nFor each function call, return a json object \
with function name and arguments within <tool_call></tool_call> XML tags:\\n<tool_call>\\n\
{\\"name\\": <function-name>, \\"arguments\\": <args-json-object>}\\n</tool_call><|im_end|>\\n" }}
{%- else %}
    {%- if messages[0]['role'] == 'system' %}
        {{- '<|im_start|>system\\n' + messages[0]['content'] + '<|im_end|>\\n' }}
    {%- else %}
        {{- '<|im_start|>system\\nYou are a helpful assistant.<|im_end|>\\n' }}
    {%- endif %}
{%- endif %}
{%- for message in messages %}
    {%- if (message.role == "user") or (message.role == "system" and not loop.first) \
or (message.role == "assistant" and not message.tool_calls) %}
        {{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>' + '\\n' }}
    {%- elif message.role == "assistant" %}
        {{- '<|im_start|>' + message.role }}
        {%- if message.content %}
            {{- '\\n' + message.content }}
        {%- endif %}
        {%- for tool_call in message.tool_calls %}
            {%- if tool_call.function is defined %}
                {%- set tool_call = tool_call.function %}
            {%- endif %}
            {{- '\\n<tool_call>\\n{"name": "' }}
            {{- tool_call.name }}
            {{- '", "arguments": ' }}
            {{- tool_call.arguments | tojson }}
            {{- '}\\n</tool_call>' }}
        {%- endfor %}
        {{- '<|im_end|>\\n' }}
    {%- elif message.role == "tool" %}
        {%- if (loop.index0 == 0) or (messages[loop.index0 - 1].role != "tool") %}
            {{- '<|im_start|>user' }}
        {%- endif %}
        {{- '\\n<tool_response>\\n' }}
        {{- message.content }}
        {{- '\\n</tool_response>' }}
        {%- if loop.last or (messages[loop.index0 + 1].role != "tool") %}
            {{- '<|im_end|>\\n' }}
        {%- endif %}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\\n' }}
{%- endif %}
"""

WORDS = """the a of to and in is that it was for on are as with his they at be this from have or by
one had not but what all were when we there can an your which their said if do will each about how up
out them then she many some so these would other into has more her two like him see time could no make
than first been its who now people my made over did down only way find use may water long little very
after words called just where most know get through back much before go good new write our used me man
too any day same right look think also around another came come work three word must because does part
even place well such here take why things help put years different away again off went old number great
tell men say small every found still between name should home big give air line set own under read last
never us left end along while might next sound below saw something thought both few those always looked
show large often together asked house world going want school important until form food keep children
user system assistant model token prompt hello city weather temperature function name arguments string
object array integer number true false null type properties required data value error request response
server client stream message content role choice usage cache gateway answer question""".split()


def corpus():
    rng = random.Random(20261121)
    for _ in range(4000):
        sentence = " ".join(rng.choice(WORDS) for _ in range(rng.randint(4, 14)))
        yield sentence.capitalize() + rng.choice([".", "?", "!", ","]) + rng.choice([" ", "\n"])
        if rng.random() < 0.25:
            yield json.dumps({rng.choice(WORDS): rng.choice(WORDS), "n": rng.randint(0, 999)})


def weights(silent, faint):
    """Random weights; the `silent` tokens are hardly ever drawn, the `faint` ones less than the rest."""
    rng = numpy.random.RandomState(20261121)

    def normal(rows, columns, scale):
        return (rng.standard_normal((rows, columns)) * scale).astype(numpy.float32)

    one = numpy.ones(HIDDEN, numpy.float32)
    out = {"model.embed_tokens.weight": normal(VOCAB, HIDDEN, 1.0), "model.norm.weight": one.copy()}
    for i in range(LAYERS):
        at = f"model.layers.{i}."
        out[at + "input_layernorm.weight"] = one.copy()
        out[at + "post_attention_layernorm.weight"] = one.copy()
        for name, width in (("q", HEADS * HEAD), ("k", KV_HEADS * HEAD), ("v", KV_HEADS * HEAD)):
            out[at + f"self_attn.{name}_proj.weight"] = normal(width, HIDDEN, 1.5 / HIDDEN**0.5)
            out[at + f"self_attn.{name}_proj.bias"] = numpy.zeros(width, numpy.float32)
        out[at + "self_attn.o_proj.weight"] = normal(HIDDEN, HEADS * HEAD, 2.0 / HIDDEN**0.5)
        out[at + "mlp.gate_proj.weight"] = normal(MLP, HIDDEN, 1.5 / HIDDEN**0.5)
        out[at + "mlp.up_proj.weight"] = normal(MLP, HIDDEN, 1.5 / HIDDEN**0.5)
        out[at + "mlp.down_proj.weight"] = normal(HIDDEN, MLP, 2.0 / MLP**0.5)
    head = normal(VOCAB, HIDDEN, 0.4)  # logits with a deviation of about 3
    head[silent] = 0.0
    head[faint] *= 0.7
    out["lm_head.weight"] = head
    return out


def main():
    out = sys.argv[1]
    os.makedirs(out, exist_ok=True)

    tok = Tokenizer(models.BPE())
    tok.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(SPLIT), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tok.decoder = decoders.ByteLevel()
    base = VOCAB - len(SPECIAL) - len(PLAIN_ADDED)
    tok.train_from_iterator(
        corpus(),
        trainers.BpeTrainer(
            vocab_size=base,
            initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
            show_progress=False,
        ),
    )
    assert tok.get_vocab_size() == base, tok.get_vocab_size()
    tok.add_special_tokens([AddedToken(t, normalized=False, special=True) for t in SPECIAL])
    tok.add_tokens([AddedToken(t, normalized=False, special=False) for t in PLAIN_ADDED])
    assert tok.get_vocab_size() == VOCAB
    ids = {t: tok.token_to_id(t) for t in SPECIAL + PLAIN_ADDED}
    tok.save(os.path.join(out, "tokenizer.json"))

    odd = [i for t, i in tok.get_vocab().items() if len(t) == 1 and not "!" <= t <= "~" and t not in "ĊĠ"]
    control = [i for i in odd if tok.decode([i]) < " "]
    half = [i for i in odd if i not in control]  # bytes of longer UTF-8 characters
    tensors = weights(sorted([*ids.values(), *control]), sorted(half))
    save_file(tensors, os.path.join(out, "model.safetensors"), {"format": "pt"})

    def put(name, value):
        with open(os.path.join(out, name), "w") as f:
            json.dump(value, f, indent=2, sort_keys=True)
            f.write("\n")

    put(
        "config.json",
        {
            "architectures": ["Qwen2ForCausalLM"],
            "model_type": "qwen2",
            "vocab_size": VOCAB,
            "hidden_size": HIDDEN,
            "intermediate_size": MLP,
            "num_hidden_layers": LAYERS,
            "num_attention_heads": HEADS,
            "num_key_value_heads": KV_HEADS,
            "max_position_embeddings": MAX_LEN,
            "hidden_act": "silu",
            "rms_norm_eps": 1e-6,
            "rope_theta": 10000.0,
            "initializer_range": 0.02,
            "attention_dropout": 0.0,
            "tie_word_embeddings": False,
            "use_cache": True,
            "use_sliding_window": False,
            "bos_token_id": ids["<|endoftext|>"],
            "eos_token_id": ids["<|im_end|>"],
            "torch_dtype": "float32",
        },
    )
    put(
        "generation_config.json",
        {
            "bos_token_id": ids["<|endoftext|>"],
            "eos_token_id": [ids["<|im_end|>"], ids["<|endoftext|>"]],
            "pad_token_id": ids["<|endoftext|>"],
            "do_sample": False,
        },
    )
    put(
        "tokenizer_config.json",
        {
            "tokenizer_class": "PreTrainedTokenizerFast",
            "add_bos_token": False,
            "add_prefix_space": False,
            "bos_token": None,
            "eos_token": "<|im_end|>",
            "pad_token": "<|endoftext|>",
            "unk_token": None,
            "clean_up_tokenization_spaces": False,
            "model_max_length": MAX_LEN,
            "added_tokens_decoder": {
                str(i): {
                    "content": t,
                    "lstrip": False,
                    "normalized": False,
                    "rstrip": False,
                    "single_word": False,
                    "special": t in SPECIAL,
                }
                for t, i in ids.items()
            },
            "chat_template": TEMPLATE,
        },
    )


main()
