/** A client that is tried as its users have it. */
export interface Client {
  name: string;
  about: string;
  runtime: "node" | "python" | "go" | "java";
  /** Exact versions, as the runtime writes them; for Java `group:artifact:version`. */
  packages: readonly string[];
  /** Python: what the packages require, and is left out. */
  without?: readonly string[];
  /** A program under the runtime's folder that prints what it tried; agents are led by agents.ts instead. */
  script: string | null;
  agent: "codex" | "opencode" | "aider" | null;
}

const node = { runtime: "node", agent: null } as const;
const python = { runtime: "python", agent: null } as const;
const java = { runtime: "java", agent: null } as const;

/** Every client that is tried, in this order. */
export const clients: readonly Client[] = [
  {
    ...node,
    name: "openai-node",
    about: "openai for Node: chat, Responses, tools, embeddings, errors",
    packages: ["openai@7.59.0"],
    script: "openai.mjs",
  },
  {
    ...node,
    name: "anthropic-node",
    about: "@anthropic-ai/sdk: messages, stream, tools, counting, errors",
    packages: ["@anthropic-ai/sdk@1.14.0"],
    script: "anthropic.mjs",
  },
  {
    ...node,
    name: "ai-sdk",
    about: "AI SDK with its OpenAI provider's default, which is Responses",
    packages: ["ai@7.0.173", "@ai-sdk/openai@4.0.118", "zod@4.6.7"],
    script: "ai-sdk.mjs",
  },
  {
    ...node,
    name: "langchain-node",
    about: "@langchain/openai, with and without Responses",
    packages: ["@langchain/openai@1.6.0", "@langchain/core@1.2.13"],
    script: "langchain.mjs",
  },
  {
    ...node,
    name: "ollama-node",
    about: "ollama for Node: chat, stream, tools, embed, lists",
    packages: ["ollama@0.6.4"],
    script: "ollama.mjs",
  },
  {
    ...python,
    name: "openai-python",
    about: "openai for Python: chat, Responses, tools, embeddings, errors",
    packages: ["openai==3.57.0"],
    script: "openai_client.py",
  },
  {
    ...python,
    name: "anthropic-python",
    about: "anthropic: messages, stream, tools, counting, errors",
    packages: ["anthropic==2.14.0"],
    script: "anthropic_client.py",
  },
  {
    ...python,
    name: "openai-agents",
    about: "openai-agents with its default model, which is Responses",
    packages: ["openai-agents==0.24.0"],
    script: "agents_client.py",
  },
  {
    ...python,
    name: "pydantic-ai",
    about: "pydantic-ai's `openai:` default, which is Responses, and Anthropic's",
    packages: ["pydantic-ai-slim[openai,anthropic]==2.68.0"],
    script: "pydantic_client.py",
  },
  {
    ...python,
    name: "langchain-python",
    about: "langchain-openai, with and without Responses",
    packages: ["langchain-openai==1.7.4"],
    script: "langchain_client.py",
  },
  {
    ...python,
    name: "llamaindex",
    about: "LlamaIndex's openai_like: complete, chat, stream",
    packages: ["llama-index-llms-openai-like==0.8.1"],
    script: "llamaindex_client.py",
  },
  {
    ...python,
    name: "litellm",
    about: "LiteLLM: chat, Responses, Anthropic's messages",
    packages: ["litellm==1.110.2"],
    script: "litellm_client.py",
  },
  {
    ...python,
    name: "ollama-python",
    about: "ollama for Python: chat, stream, tools, embed, lists",
    packages: ["ollama==0.6.1"],
    script: "ollama_client.py",
  },
  {
    ...python,
    name: "open-webui",
    about: "Open WebUI's server: its chats by OpenAI's connection and Ollama's, knowledge",
    packages: ["open-webui==0.12.4"],
    // Its server needs neither; they bring two gigabytes of torch.
    without: ["sentence-transformers", "accelerate"],
    script: "openwebui_client.py",
  },
  {
    ...python,
    name: "lm-eval",
    about: "lm-eval: log-likelihoods and generations by completions and chat, the tokenizer's over HTTP",
    packages: ["lm_eval[api]==0.4.13"],
    script: "lm_eval_client.py",
  },
  {
    runtime: "go",
    agent: null,
    name: "openai-go",
    about: "openai-go: chat, Responses, tools, errors",
    packages: ["github.com/openai/openai-go/v3@v3.98.0"],
    script: "openai.go",
  },
  {
    ...java,
    name: "openai-java",
    about: "openai-java: chat, Responses, tools and answers by a class, embeddings, errors, retries",
    packages: ["com.openai:openai-java:4.101.0"],
    script: "OpenaiCalls.java",
  },
  {
    ...java,
    name: "anthropic-java",
    about: "anthropic-java: messages, stream, tools, an answer by a class, counting, errors",
    packages: ["com.anthropic:anthropic-java:3.14.0"],
    script: "AnthropicMessages.java",
  },
  {
    runtime: "node",
    name: "codex",
    about: "Codex CLI edits a file in a repository",
    packages: ["@openai/codex@0.171.0"],
    script: null,
    agent: "codex",
  },
  {
    runtime: "node",
    name: "opencode",
    about: "opencode edits a file in a repository",
    packages: ["opencode-ai@1.18.33"],
    script: null,
    agent: "opencode",
  },
  {
    runtime: "python",
    name: "aider",
    about: "aider edits a file in a repository",
    packages: ["aider-chat==0.86.2"],
    script: null,
    agent: "aider",
  },
];
