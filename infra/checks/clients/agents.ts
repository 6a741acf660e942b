import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { SetAnswer } from "#infra/simulator/set-answers.ts";
import type { Client } from "./catalog.ts";
import type { ClientStage } from "./client-stage.ts";
import { runProgram } from "./install.ts";
import type { Finding } from "./run-script.ts";

/** How one coding agent is set up and what it is led through: to say goodbye instead of hello in greeting.txt. */
interface Plan {
  /** What the model says, turn by turn. */
  answers: SetAnswer[];
  /** Files that it needs, under its repository or its home. */
  files(stage: ClientStage): Record<string, string>;
  command(home: string): { program: string; args: string[] };
  env(stage: ClientStage): Record<string, string>;
}

const before = "hello\n";
const after = "goodbye\n";
const task = "In greeting.txt, change hello to goodbye.";
const done: SetAnswer = { text: "I changed greeting.txt." };
const agentMsMax = 120_000;
/** With a real model on a CPU. */
const slowAgentMsMax = 1_200_000;

/** Agents' own prompts have thousands of tokens, of which a CPU reads a few dozen a second. */
const shortPrompt =
  "You edit the files of a repository by calling tools. Do what is asked, then say so in one sentence.";

const plans: Readonly<Record<NonNullable<Client["agent"]>, Plan>> = {
  codex: {
    answers: [{ tool: "exec_command", arguments: { cmd: "printf 'goodbye\\n' > greeting.txt" } }, done],
    files: ({ edge, isReal }) => ({
      "home/instructions.md": shortPrompt,
      "home/config.toml": [
        'model = "chat"',
        'model_provider = "penstock"',
        'web_search = "disabled"',
        ...(isReal ? ['model_instructions_file = "instructions.md"'] : []),
        "[model_providers.penstock]",
        'name = "Penstock"',
        `base_url = "${edge}/v1"`,
        'env_key = "PENSTOCK_KEY"',
        'wire_api = "responses"',
        ...(isReal ? [`stream_idle_timeout_ms = ${slowAgentMsMax}`] : []),
      ].join("\n"),
    }),
    command: (home) => ({
      program: join(home, "node_modules/.bin/codex"),
      args: ["exec", "--skip-git-repo-check", "--dangerously-bypass-approvals-and-sandbox", task],
    }),
    env: () => ({}),
  },
  opencode: {
    answers: [
      { tool: "read", arguments: { filePath: "greeting.txt" } },
      { tool: "edit", arguments: { filePath: "greeting.txt", oldString: "hello", newString: "goodbye" } },
      done,
    ],
    files: ({ edge, isReal }) => ({
      "repo/opencode.json": JSON.stringify({
        ...(isReal && {
          tools: { "*": false, read: true, edit: true },
          agent: { build: { prompt: shortPrompt } },
        }),
        provider: {
          penstock: {
            npm: "@ai-sdk/openai-compatible",
            name: "Penstock",
            options: { baseURL: `${edge}/v1`, apiKey: "{env:PENSTOCK_KEY}" },
            models: { chat: { name: "chat", limit: { context: 131_072, output: 2_048 } } },
          },
        },
        permission: { edit: "allow", bash: "allow" },
      }),
    }),
    command: (home) => ({
      program: join(home, "node_modules/.bin/opencode"),
      args: ["run", "--print-logs", "--model", "penstock/chat", task],
    }),
    env: () => ({}),
  },
  aider: {
    answers: [{ text: `greeting.txt\n\`\`\`\n${after}\`\`\`\n`, isForAnyChat: true }],
    files: () => ({}),
    command: (home) => ({
      program: join(home, "venv/bin/aider"),
      args: ["--model", "openai/chat", "--edit-format", "whole", "--no-git", "--yes-always", "--no-auto-lint"].concat([
        "--no-check-update",
        "--no-show-model-warnings",
        "--no-analytics",
        "--message",
        task,
        "greeting.txt",
      ]),
    }),
    env: ({ edge, key }) => ({ OPENAI_API_BASE: `${edge}/v1`, OPENAI_API_KEY: key }),
  },
};

/** Leads an agent through an edit of a real file, in a repository of its own; its answers are laid down. */
export async function leadAgent({ name, agent }: Client, home: string, stage: ClientStage): Promise<Finding[]> {
  if (agent === null) throw new TypeError(`${name} is no agent`);
  const plan = plans[agent];
  const dir = mkdtempSync(join(tmpdir(), `penstock-${agent}-`));
  const [repo, own] = [join(dir, "repo"), join(dir, "home")];
  for (const folder of [repo, own]) mkdirSync(folder);
  try {
    writeFileSync(join(repo, "greeting.txt"), before);
    for (const [file, text] of Object.entries(plan.files(stage))) writeFileSync(join(dir, file), text);
    await runProgram("git", ["init", "-q"], { cwd: repo, env: {}, msMax: 10_000 });
    await stage.setAnswers(plan.answers);
    const { program, args } = plan.command(home);
    const env = { ...stage.env, HOME: own, CODEX_HOME: own, ...plan.env(stage) };
    const msMax = stage.isReal ? slowAgentMsMax : agentMsMax;
    const { code, output } = await runProgram(program, args, { cwd: repo, env, msMax });
    if (stage.isReal) console.log(output.trim().replace(/^/gm, "    "));
    const text = readFileSync(join(repo, "greeting.txt"), "utf8");
    if (text === after && code === 0) return [{ what: "an edit in a repository", result: "ok", why: "" }];
    const lines = output.trim().split("\n");
    const said = lines
      .filter((line) => /error/i.test(line))
      .slice(0, 4)
      .concat(lines.slice(-2));
    const why = `exit ${code}, greeting.txt has ${JSON.stringify(text)}; ${said.join(" | ").slice(0, 2_000)}`;
    return [{ what: "an edit in a repository", result: "failed", why }];
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}
