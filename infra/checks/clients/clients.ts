import { parseArgs } from "node:util";
import { clients, type Client } from "./catalog.ts";
import { installClient, MissingError } from "./install.ts";
import { leadAgent } from "./agents.ts";
import { runScript, type Finding } from "./run-script.ts";
import { openClientStage, type ClientStage } from "./client-stage.ts";

const usage = `npm run clients [-- NAME...]

  Runs unmodified clients against a stack of its own: installs each under .penstock/clients, at the version that
  catalog.ts names, and prints what it tried.

  --list         the names
  --engine URL   a running engine answers instead of laid down words: the agents alone are led through their edit, and
                 what they print is shown; a small model may fail at it without any fault of ours
  --help         show this
`;

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    list: { type: "boolean", default: false },
    engine: { type: "string" },
    help: { type: "boolean", default: false },
  },
});

/** Tries one client; a client whose runtime is not on this machine is told as missing, and fails nothing. */
async function tryClient(client: Client, stage: ClientStage): Promise<Finding[]> {
  try {
    const home = await installClient(client);
    return client.agent ? await leadAgent(client, home, stage) : await runScript(client, home, stage);
  } catch (cause) {
    if (cause instanceof MissingError) return [{ what: client.name, result: "missing", why: cause.message }];
    return [{ what: client.name, result: "failed", why: cause instanceof Error ? cause.message : String(cause) }];
  }
}

async function main(): Promise<number> {
  if (flags.help) return printed(usage);
  if (flags.list) return printed(clients.map(({ name, about }) => `${name.padEnd(22)} ${about}`).join("\n"));
  const unknown = positionals.filter((name) => !clients.some((client) => client.name === name));
  if (unknown.length > 0) {
    console.error(`no client '${unknown.join("', '")}'; --list names them`);
    return 2;
  }
  const offered = clients.filter(({ agent }) => flags.engine === undefined || agent !== null);
  const chosen = offered.filter(({ name }) => positionals.length === 0 || positionals.includes(name));
  const stage = await openClientStage(flags.engine);
  const all: Finding[] = [];
  try {
    for (const client of chosen) {
      console.log(`\n${client.name} (${client.packages.join(", ")})`);
      const findings = await tryClient(client, stage);
      for (const { what, result, why } of findings)
        console.log(`  ${result.padEnd(7)} ${what}${why ? `: ${why}` : ""}`);
      all.push(...findings);
    }
  } finally {
    await stage.close();
  }
  const count = (result: Finding["result"]) => all.filter((finding) => finding.result === result).length;
  console.log(`\n${count("ok")} ok, ${count("failed")} failed, ${count("missing")} missing`);
  return count("failed") > 0 ? 1 : 0;
}

function printed(text: string): number {
  console.log(text);
  return 0;
}

process.exitCode = await main();
