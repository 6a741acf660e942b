"""Runs Open WebUI's own server, signs up its first user, and chats as its pages do, by both of its connections."""

import json
import os
import socket
import subprocess
import sys
import tempfile
import time

import requests
from check import EDGE, KEY, check, end

# It offers its users every model of the list: this key is shown those that chat.
CHAT_KEY = os.environ.get("PENSTOCK_CHAT_KEY", "")
CHAT = "Qwen/Qwen2.5-7B-Instruct"
messages = [{"role": "user", "content": "Tell me of rivers."}]
START_S = 180


def find_port():
    with socket.socket() as any_port:
        any_port.bind(("127.0.0.1", 0))
        return any_port.getsockname()[1]


def start(folder, port):
    env = {
        **os.environ,
        "DATA_DIR": folder,
        "OFFLINE_MODE": "true",
        "WEBUI_SECRET_KEY": "of this run",
        "OPENAI_API_BASE_URL": f"{EDGE}/v1",
        "OPENAI_API_KEY": CHAT_KEY,
        "OLLAMA_BASE_URL": EDGE,
        "OLLAMA_API_CONFIGS": json.dumps({"0": {"key": CHAT_KEY, "prefix_id": "ollama"}}),
        "RAG_EMBEDDING_ENGINE": "openai",
        "RAG_EMBEDDING_MODEL": "embed",
        "RAG_OPENAI_API_BASE_URL": f"{EDGE}/v1",
        "RAG_OPENAI_API_KEY": KEY,
    }
    program = os.path.join(os.path.dirname(sys.executable), "open-webui")
    with open(os.path.join(folder, "log"), "wb") as log:
        return subprocess.Popen(
            [program, "serve", "--host", "127.0.0.1", "--port", str(port)],
            cwd=folder,
            env=env,
            stdout=log,
            stderr=subprocess.STDOUT,
        )


def wait(server, url, folder):
    until = time.monotonic() + START_S
    while time.monotonic() < until and server.poll() is None:
        try:
            if requests.get(f"{url}/health", timeout=5).ok:
                return
        except requests.ConnectionError:
            pass
        time.sleep(0.5)
    with open(os.path.join(folder, "log"), encoding="utf8") as log:
        raise AssertionError(f"it did not start: {log.read()[-500:]}")


def sign_up(url):
    person = {"name": "First", "email": "first@example.com", "password": "First-of-all-1"}
    answer = requests.post(f"{url}/api/v1/auths/signup", json=person, timeout=30)
    answer.raise_for_status()
    session = requests.Session()
    session.headers["authorization"] = f"Bearer {answer.json()['token']}"
    return session


def attempt(url, own):
    def ask(path, body):
        answer = own.post(f"{url}{path}", json=body, timeout=60)
        assert answer.ok, f"{path} {answer.status_code} {answer.text[:200]}"
        return answer

    def read_events(answer):
        lines = [line[6:] for line in answer.text.split("\n") if line.startswith("data: ")]
        assert lines[-1] == "[DONE]", lines[-1]
        return [json.loads(line) for line in lines[:-1]]

    def read_text(events):
        return "".join(choice["delta"].get("content") or "" for event in events for choice in event["choices"])

    @check("both connections are verified")
    def _():
        ask("/openai/verify", {"url": f"{EDGE}/v1", "key": CHAT_KEY})
        ask("/ollama/verify", {"url": EDGE, "key": CHAT_KEY})

    @check("the chooser offers models that chat, by both connections, and no others")
    def _():
        names = {model["id"] for model in own.get(f"{url}/api/models", timeout=30).json()["data"]}
        assert {CHAT, "chat", "text2sql", f"ollama.{CHAT}"} <= names, names
        others = [name for name in names if "embed" in name or "rerank" in name]
        assert not others, others

    for connection, model in [("OpenAI's connection", CHAT), ("Ollama's connection", f"ollama.{CHAT}")]:
        asked = {"model": model, "messages": messages, "max_tokens": 16}

        @check(f"{connection}, a chat")
        def _():
            answer = ask("/api/chat/completions", asked).json()
            assert answer["choices"][0]["message"]["content"] and answer["usage"]["completion_tokens"]

        @check(f"{connection}, a chat that streams")
        def _():
            assert read_text(read_events(ask("/api/chat/completions", {**asked, "stream": True})))

        @check(f"{connection}, a chat's title")
        def _():
            body = {"model": model, "messages": [*messages, {"role": "assistant", "content": "They flow."}]}
            assert ask("/api/v1/tasks/title/completions", body).json()["choices"][0]["message"]["content"]

    @check("OpenAI's connection, a chat with tools")
    def _():
        parameters = {"type": "object", "properties": {"city": {"type": "string"}}}
        tools = [{"type": "function", "function": {"name": "weather", "parameters": parameters}}]
        more = {"tools": tools, "tool_choice": "required", "stream": True}
        events = read_events(ask("/api/chat/completions", {"model": CHAT, "messages": messages, **more}))
        deltas = [choice["delta"] for event in events for choice in event["choices"]]
        assert any(call["function"].get("name") == "weather" for it in deltas for call in it.get("tool_calls") or [])

    @check("Ollama's proxy, lists")
    def _():
        for path in ["tags", "ps"]:
            assert own.get(f"{url}/ollama/api/{path}", timeout=30).json()["models"], path
        assert own.get(f"{url}/ollama/api/version", timeout=30).json()["version"]

    @check("Ollama's proxy, a chat and one that streams")
    def _():
        asked = {"model": f"ollama.{CHAT}", "messages": messages, "options": {"num_predict": 8}}
        assert ask("/ollama/api/chat", {**asked, "stream": False}).json()["message"]["content"]
        lines = [json.loads(line) for line in ask("/ollama/api/chat", asked).text.strip().split("\n")]
        assert lines[-1]["done"] and lines[-1]["eval_count"]

    @check("OpenAI's proxy, Responses")
    def _():
        assert ask("/openai/responses", {"model": "chat", "input": "Hello", "max_output_tokens": 8}).json()["output"]

    @check("knowledge is embedded and found")
    def _():
        text = {"name": "rivers", "content": "Rivers flow. Mills grind."}
        kept = ask("/api/v1/retrieval/process/text", text).json()["collection_name"]
        found = ask("/api/v1/retrieval/query/doc", {"collection_name": kept, "query": "mills", "k": 1}).json()
        assert "Mills" in found["documents"][0][0]

    @check("a refusal of ours reaches the user in words")
    def _():
        asked = {"model": CHAT, "messages": messages, "temperature": 9}
        answer = own.post(f"{url}/api/chat/completions", json=asked, timeout=30)
        assert not answer.ok and "temperature" in answer.text, answer.text[:200]


with tempfile.TemporaryDirectory(prefix="penstock-open-webui-") as folder:
    port = find_port()
    url = f"http://127.0.0.1:{port}"
    server = start(folder, port)
    try:
        people = []

        @check("its server starts, and its first user signs up")
        def _():
            wait(server, url, folder)
            people.append(sign_up(url))

        for own in people:
            attempt(url, own)
    finally:
        server.terminate()
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:
            server.kill()
end()
