import { parseArgs } from "node:util";
import { NodeId } from "#edge/agreements/tokens/ids.ts";
import { deriveNodeKeys, NodeMasterKeys } from "#edge/agreements/tokens/node-keys.ts";

const usage = `npm run node-keys -s -- NODE_ID

Prints what goes into the config of that node's agent as "nodeKeys": the keys that it shares with the edge. They are
secrets. They are derived from NODE_MASTER_KEYS of the environment, which is the edge's secret of that name.
`;

/**
 * Derives a node's keys from the edge's masters and writes them as JSON. Throws an error for people, which shows no
 * secret.
 */
export function writeNodeKeys(node: string | undefined, masterKeys: string | undefined): string {
  const id = NodeId.safeParse(node);
  if (!id.success) throw new Error(`'${node ?? ""}' is no id of a node: node_ and 1 to 40 of a-z, 0-9, -.`);
  if (!masterKeys) throw new Error("NODE_MASTER_KEYS is not set.");
  const keys = NodeMasterKeys.safeParse(parseJson(masterKeys));
  if (!keys.success) throw new Error(`NODE_MASTER_KEYS ${keys.error.issues.map(({ message }) => message).join("; ")}.`);
  return JSON.stringify(deriveNodeKeys(keys.data, id.data));
}

/** Undefined for what is no JSON. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function main(): void {
  const { values, positionals } = parseArgs({ allowPositionals: true, options: { help: { type: "boolean" } } });
  if (values.help) return void process.stdout.write(usage);
  process.stdout.write(`${writeNodeKeys(positionals[0], process.env["NODE_MASTER_KEYS"])}\n`);
}

if (import.meta.main) {
  try {
    main();
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : "failed"}\n\n${usage}`);
    process.exit(1);
  }
}
