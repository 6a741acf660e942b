"""Runs lm-eval's own command on tasks that lie beside it, with no registry of datasets and no tokenizer of its own."""

import json
import math
import os
import pathlib
import subprocess
import sys
import tempfile

# Its tokenizer's questions name no model: this key may use one.
KEY = os.environ.get("PENSTOCK_ONE_MODEL_KEY", "")
# Read as it is imported.
os.environ |= {"OPENAI_API_KEY": KEY, "HF_HUB_OFFLINE": "1", "HF_DATASETS_CACHE": tempfile.mkdtemp()}

import lm_eval
import requests
from check import EDGE, check, end
from lm_eval.tasks import TaskManager

headers = {"Authorization": f"Bearer {KEY}"}
texts = ["Rivers flow to the sea.", "A mill grinds what the river gives it.", "The bridge holds, and the road goes on."]
long = " ".join(texts * 80)
tasks = {
    "choices": {
        "output_type": "multiple_choice",
        "doc_to_text": "{{text}}",
        "doc_to_choice": ["yes", "no", "it may be so"],
        "doc_to_target": 0,
        "metric_list": [{"metric": "acc"}],
    },
    "surprises": {
        "output_type": "loglikelihood_rolling",
        "doc_to_text": "",
        "doc_to_target": "{{text}}",
        "metric_list": [{"metric": "word_perplexity"}],
    },
    "words": {
        "output_type": "generate_until",
        "doc_to_text": "{{text}}",
        "doc_to_target": "{{text}}",
        "generation_kwargs": {"until": ["\n\n"], "max_gen_toks": 16},
        "metric_list": [{"metric": "exact_match"}],
    },
}


def lay_down(folder):
    with open(folder / "texts.jsonl", "w", encoding="utf8") as lines:
        lines.writelines(json.dumps({"text": text}) + "\n" for text in [*texts, long])
    data = {"data_files": {"test": str(folder / "texts.jsonl")}}
    for name, task in tasks.items():
        made = {"task": name, "dataset_path": "json", "dataset_kwargs": data, "test_split": "test", **task}
        # JSON is YAML.
        (folder / f"{name}.yaml").write_text(json.dumps(made), encoding="utf8")


def command(folder, model, names, args):
    """Runs the command; returns each task's samples."""
    out = folder / model
    given = ",".join(f"{name}={value}" for name, value in {"model": "chat", **args}.items())
    line = [os.path.join(os.path.dirname(sys.executable), "lm_eval"), "--model", model, "--model_args", given]
    line += ["--tasks", ",".join(names), "--include_path", str(folder), "--output_path", str(out), "--log_samples"]
    done = subprocess.run(line, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, (done.stdout + done.stderr)[-250:]
    files = [next(out.rglob(f"samples_{name}_*.jsonl")) for name in names]
    lines = [file.read_text(encoding="utf8").strip().split("\n") for file in files]
    return {name: order(json.loads(line) for line in own) for name, own in zip(names, lines, strict=True)}


def evaluate(folder, model, names, args, **more):
    """The same in this program, which need not be started again; the results too."""
    manager = TaskManager(include_path=str(folder))
    told = lm_eval.simple_evaluate(
        model=model, model_args={"model": "chat", **args}, tasks=names, task_manager=manager, log_samples=True, **more
    )
    return told["results"], {name: order(told["samples"][name]) for name in names}


def order(samples):
    samples = sorted(samples, key=lambda one: one["doc_id"])
    assert len(samples) == len(texts) + 1, len(samples)
    return samples


def flatten(said):
    """All values of nested lists as texts, which is what the command writes."""
    return [text for one in said for text in flatten(one)] if isinstance(said, (list, tuple)) else [str(said)]


def score(context, continuation):
    """What a continuation's log-likelihood is, asked of the edge without lm-eval."""

    def ask(path, body):
        answer = requests.post(f"{EDGE}{path}", json={"model": "chat", **body}, headers=headers, timeout=60)
        answer.raise_for_status()
        return answer.json()

    first = ask("/tokenize", {"prompt": context, "add_special_tokens": False})["tokens"]
    body = {"prompt": context + continuation, "max_tokens": 1, "logprobs": 1, "echo": True, "temperature": 0}
    logprobs = ask("/v1/completions", body)["choices"][0]["logprobs"]["token_logprobs"]
    return sum(logprobs[len(first) : -1])


def attempt(folder):
    remote = {"base_url": f"{EDGE}/v1/completions", "tokenizer_backend": "remote", "auth_token": KEY}
    # A prompt's log-probabilities are for 1,024 tokens at most; lm-eval cuts longer ones.
    remote["max_length"] = 1024
    names = list(tasks)
    half = {"max_length": 512}
    seen = {}

    @check("its command: choices, perplexity and generations, by the remote tokenizer")
    def _():
        seen.update(command(folder, "local-completions", names, remote))
        assert all(sample["resps"][0][0] for sample in seen["words"])

    @check("its log-likelihoods are those of the same text, asked by hand")
    def _():
        for sample in seen["choices"][: len(texts)]:
            for choice, [[said, _]] in zip(tasks["choices"]["doc_to_choice"], sample["resps"], strict=True):
                asked = score(sample["doc"]["text"], f" {choice}")
                assert math.isclose(float(said), asked, abs_tol=1e-6), f"{said}, not {asked}"

    # A call may have 1,024 tokens to score, over all its prompts.
    for label, more in [("four at once", {"num_concurrent": 4}), ("two in a call", {"batch_size": 2, **half})]:

        @check(f"{label} say the same")
        def _():
            results, samples = evaluate(folder, "local-completions", names, {**remote, **more})
            assert results["surprises"]["word_perplexity,none"] > 1, results["surprises"]
            for name in ["choices", "surprises"]:
                for one, other in list(zip(seen[name], samples[name], strict=True))[: len(texts)]:
                    assert flatten(one["resps"]) == flatten(other["resps"]), name

    @check("the tokenizer is found without being named")
    def _():
        evaluate(folder, "local-completions", ["choices"], {**remote, "tokenizer_backend": "auto"})

    @check("texts as strings instead of tokens")
    def _():
        evaluate(folder, "local-completions", names, {**remote, "tokenized_requests": False, **half})

    @check("local-chat-completions: generations")
    def _():
        args = {"base_url": f"{EDGE}/v1/chat/completions", "num_concurrent": 2}
        _, samples = evaluate(folder, "local-chat-completions", ["words"], args, apply_chat_template=True)
        assert all(sample["resps"][0][0] for sample in samples["words"])


with tempfile.TemporaryDirectory(prefix="penstock-lm-eval-") as name:
    lay_down(pathlib.Path(name))
    attempt(pathlib.Path(name))
end()
