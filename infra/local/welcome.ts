import type { ModelRecord } from "#edge/agreements/records/model.ts";
import { cast, operatorEmail } from "./demo-orgs/cast.ts";
import type { DemoOrgs } from "./demo-orgs/demo-orgs.ts";
import type { Demo } from "./demo.ts";
import type { Stack } from "./stack.ts";

/** What runs, and how to reach it. */
export interface Welcome {
  stack: Pick<Stack, "nodes">;
  demo: Demo;
  models: readonly ModelRecord[];
  demoOrgs: Pick<DemoOrgs, "orgs" | "linesWritten"> | null;
  /** Where the state lies, if that is not the usual place. */
  stateDir: string | null;
}

/** What `npm run dev` prints when all is up. */
export function writeWelcome({ stack, demo, models, demoOrgs, stateDir }: Welcome): string {
  const { edge, org, key, adminKey } = demo;
  const model = models[0]?.aliases[0] ?? "chat";
  const served = models
    .map(
      ({ id, aliases, contextTokensMax }) =>
        `  model       ${[id, ...aliases].join(", ")}  (${contextTokensMax} tokens)`,
    )
    .join("\n");
  const nodes = stack.nodes
    .map((node) => `  node        ${node.id} (${node.tier})  ${node.url}  engine ${node.engineUrl}`)
    .join("\n");
  const where = stateDir === null ? "" : `  export PENSTOCK_STATE=${quote(stateDir)}\n  export PENSTOCK_KEY=${key}\n\n`;
  return `
  edge        ${edge}
  openapi     ${edge}/openapi.json
  docs        ${edge}/docs
  health      ${edge}/health
${nodes}
${served}
  org         ${org}  (plan Standard: 60 requests a minute, 3,000 an hour, 5 at once)
  key         ${key}
  admin key   ${adminKey}
  portal      ${edge.replace("127.0.0.1", "localhost")}/portal/
              (with the admin key, or as owner@example.test: the code stands on the page)
${demoOrgs === null ? "" : writeDemo(demoOrgs)}
  curl ${edge}/v1/chat/completions -N \\
    -H "authorization: Bearer ${key}" -H "content-type: application/json" \\
    -d '{"model":"${model}","stream":true,"messages":[{"role":"user","content":"Tell me a story"}]}'

  import OpenAI from "openai";
  const openai = new OpenAI({ baseURL: "${edge}/v1", apiKey: "${key}" });
  const messages = [{ role: "user", content: "Hello!" }];
  const stream = await openai.chat.completions.create({ model: "${model}", stream: true, messages });
  for await (const chunk of stream) process.stdout.write(chunk.choices[0]?.delta.content ?? "");

${where}`;
}

/** Who may sign in to the demo's orgs, and as what. */
function writeDemo({ orgs, linesWritten }: Pick<DemoOrgs, "orgs" | "linesWritten">): string {
  const rows = orgs.map(({ name, id }) => {
    const [owner, ...others] = cast.find((one) => one.name === name)?.people ?? [];
    const domain = owner?.email.split("@")[1] ?? "";
    return `  demo org    ${name}  ${id}
              ${owner?.email}; also ${others.map(({ role }) => role).join("@, ")}@${domain}`;
  });
  return `${rows.join("\n")}
  operator    ${operatorEmail}  (sees all of them)
              ${linesWritten.toLocaleString("en")} calls were written into their past; more come by themselves
`;
}

/** As a shell reads it back. */
function quote(text: string): string {
  return /^[\w./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
