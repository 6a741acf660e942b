/** What a log's export says of itself when its hashes are reckoned again. */
export type ChainState = { isWhole: true; entries: number } | { isWhole: false; brokenAt: number };

/** The fields of an entry in the order in which they are hashed, by their names in an export. */
const hashed = [
  "org",
  "seq",
  "at_ms",
  "actor_kind",
  "actor",
  "actor_name",
  "actor_ip",
  "action",
  "target",
  "before",
  "after",
  "request",
];

/**
 * Reckons an exported log (JSON lines, oldest first) again: each hash is that of its entry and of the hash before it,
 * and numbers go on from one by one. Says at which entry it breaks.
 */
export async function verifyChain(log: string): Promise<ChainState> {
  // Behind the entries stand the heads that were signed, which are no part of the chain.
  const lines = log.split("\n").filter((line) => line !== "" && !line.startsWith('{"head":'));
  let prev = "0".repeat(64);
  for (const [at, line] of lines.entries()) {
    const entry: Record<string, unknown> = JSON.parse(line);
    const own = await digest(`${prev}\n${JSON.stringify(hashed.map((name) => entry[name]))}`);
    if (entry["seq"] !== at + 1 || entry["prev"] !== prev || entry["hash"] !== own)
      return { isWhole: false, brokenAt: at + 1 };
    prev = own;
  }
  return { isWhole: true, entries: lines.length };
}

async function digest(text: string): Promise<string> {
  const bytes = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return Array.from(new Uint8Array(bytes), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
