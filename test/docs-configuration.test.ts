import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { z } from "zod";
import { ModelRecord } from "#edge/agreements/records/model.ts";
import { NodeRecord } from "#edge/agreements/records/node.ts";
import { Settings } from "#edge/env.ts";
import { AgentConfigFile, AgentLimits, configVariables, EngineConfig } from "#origin/config.ts";

/** One setting as the page shows it. */
interface Row {
  name: string;
  what: string;
  unit: string;
  fallback: string;
}

const units: readonly [RegExp, string][] = [
  [/AtMs$/, "ms since 1970"],
  [/(?:_MS|Ms|MsMax)$/, "ms"],
  [/BytesMax$/, "bytes"],
  [/Tokens(?:Max|Default)?$/, "tokens"],
  [/PER_SECOND$/, "calls a second"],
  [/^inflightMax$/, "calls"],
  [/^sequencesMax$/, "sequences"],
  [/^orgShareMax$/, "× the engine"],
  [/^kvPromiseMax$/, "× the pool"],
];

function readUnit(name: string): string {
  return units.find(([pattern]) => pattern.test(name))?.[1] ?? "";
}

/** What is taken when it is not set: `required`, a value, or nothing. */
function readFallback(schema: z.ZodType): string {
  const parsed = schema.safeParse(undefined);
  if (!parsed.success) return "**required**";
  const { data } = parsed;
  if (data === undefined || data === null || (Array.isArray(data) && data.length === 0)) return "none";
  if (typeof data === "object") return "those below";
  return `\`${String(data)}\``;
}

function readRows(schema: z.ZodObject): Row[] {
  return Object.entries(schema.shape).map(([name, member]) => {
    const what = z.globalRegistry.get(member)?.description;
    if (!what) throw new Error(`${name} has no description: add .describe("…") to its schema`);
    return { name, what, unit: readUnit(name), fallback: readFallback(member) };
  });
}

function writeTable(rows: readonly Row[]): string {
  const lines = rows.map(({ name, what, unit, fallback }) => `| \`${name}\` | ${what} | ${unit} | ${fallback} |`);
  return ["| name | what | unit | unless set |", "|---|---|---|---|", ...lines].join("\n");
}

function isSecret(name: string): boolean {
  return z.globalRegistry.get(Settings.shape[name as keyof typeof Settings.shape])?.["isSecret"] === true;
}

function listAgentVariables(): string {
  const rows = Object.entries(configVariables).map(([variable, member]) => `| \`${variable}\` | \`${member}\` |`);
  return rows.join("\n");
}

function writePage(): string {
  const settings = readRows(Settings);
  return `# Configuration

Three programs, three places. What is missing or malformed is named in the log, and nothing is served until it is right.
This page is written from the schemas by \`test/docs-configuration.test.ts\`.

## The edge: variables

In \`[vars]\` of \`wrangler.toml\`; locally in \`.dev.vars\`, which \`.dev.vars.example\` shows.
\`npm run dev\` needs none of it.

${writeTable(settings.filter(({ name }) => !isSecret(name)))}

## The edge: secrets

\`npx wrangler secret put NAME --env production\`; locally in \`.dev.vars\`.
[How to rotate one](security.md#rotate-a-secret).

${writeTable(settings.filter(({ name }) => isSecret(name)))}

A secret of \`TAG_KEYS\`, \`PEPPERS\` or \`NODE_MASTER_KEYS\` is 32 random bytes in base64url:
\`openssl rand 32 | basenc --base64url -w0 | tr -d =\`. New keys and tokens are made with the first of two.

## The edge: bindings

In \`wrangler.toml\`, once for local work and once for production.

| name | what | |
|---|---|---|
| \`DB\` | D1: orgs, keys, the bill | **required** |
| \`LEDGERS\` | Durable Objects: an org's limits each | **required** |
| \`FLEET\` | Durable Object: the nodes' heartbeats | **required** |
| \`IP_COUNTER\` | counts calls by address in a Cloudflare location | without it each isolate counts alone |

## A model record

One of \`MODELS\`; \`infra/local/models.json\` is an example.

${writeTable(readRows(ModelRecord))}

## A node record

One of \`NODES\`.

${writeTable(readRows(NodeRecord))}

## The agent

A JSON file, \`--config FILE\` or \`PENSTOCK_AGENT_CONFIG\`; mode 0600. \`origin/config.example.json\` is an example.
\`nodeKeys\` is what \`npm run node-keys -s -- NODE_ID\` prints ([a node](node.md#2-get-the-nodes-keys)).

${writeTable(readRows(AgentConfigFile))}

Variables win over the file, \`--port\` and \`--host\` over both; \`origin/agent.env.example\` shows them.

| variable | member |
|---|---|
${listAgentVariables()}

### One of \`engines\`

${writeTable(readRows(EngineConfig))}

### \`limits\`

The defaults suit an L4 with a 7B model.

${writeTable(readRows(AgentLimits))}

## The node's env file

What \`origin/start-all.sh\` and \`origin/stop-all.sh\` read; mode 0600. \`origin/node.env.example\` is an example.

| variable | what | unit | unless set |
|---|---|---|---|
| \`AGENT_CONFIG\` | the agent's config file | | **required** |
| \`ENGINES\` | names of engines to start, separated by blanks | | none |
| \`ENGINE_NAME_COMMAND\` | for each, its command; the name in capitals | | **required** |
| \`ENGINE_NAME_HEALTH\` | for each, a URL that answers once it is loaded | | not waited for |
| \`TUNNEL_CONFIG\` | cloudflared's config | | no tunnel |
| \`RUN_DIR\` | where pids and logs are | | \`/tmp/penstock-run\` |
| \`READY_S\` | how long engines may take to load | s | \`900\` |
| \`GPU\` | \`none\` skips the checks of driver and GPU | | checked |

## The CLI

| variable | what |
|---|---|
| \`PENSTOCK_EDGE\` | the edge's URL |
| \`PENSTOCK_ADMIN_KEY\` | an admin key; options show up in other users' process lists, this does not |
| \`PENSTOCK_STATE\` | the \`--state\` of a dev stack, whose edge and key are then taken |
| \`PENSTOCK_BOOTSTRAP_TOKEN\` | for \`penstock bootstrap\` alone |
`;
}

test("docs/configuration.md is what the schemas say (`npx vitest run test/docs -u` writes it)", async () => {
  await expect(writePage()).toMatchFileSnapshot("../docs/configuration.md");
});

test("every setting of the edge stands in .dev.vars.example, and what it shows is a setting", () => {
  const example = readFileSync(new URL("../.dev.vars.example", import.meta.url), "utf8");
  const shown = [...example.matchAll(/^(?:# )?([A-Z][A-Z0-9_]+)='/gm)].map(([, name]) => name);
  expect(shown.toSorted()).toEqual(Object.keys(Settings.shape).toSorted());
});

test("what .dev.vars.example shows is what the edge accepts", () => {
  const example = readFileSync(new URL("../.dev.vars.example", import.meta.url), "utf8");
  const lines = [...example.matchAll(/^(?:# )?([A-Z][A-Z0-9_]+)='(.*)'$/gm)];
  const values = Object.fromEntries(lines.map(([, name, value]) => [name, value]));
  expect(Settings.safeParse(values).error?.issues).toBeUndefined();
});
