import { createHash, createPublicKey, verify, type KeyObject } from "node:crypto";
import { clean, read } from "../output/table.ts";

/** Whether a log is whole, in words for whoever asked. */
export interface Verified {
  isWhole: boolean;
  text: string;
}

/** What the first entry has for the hash before it. */
const start = "0".repeat(64);

/** What an entry is hashed of, in this order (edge/control/audit/entry.ts). */
const hashed = "org seq at_ms actor_kind actor actor_name actor_ip action target before after request".split(" ");
const signed = ["org", "seq", "hash", "at_ms"];

/** The public key of an Ed25519 JWK, which may be the private one; null where a text is none. */
export function readHeadKey(text: string): KeyObject | null {
  try {
    const { kty, crv, x } = JSON.parse(text);
    const key = createPublicKey({ key: { kty, crv, x }, format: "jwk" });
    return key.asymmetricKeyType === "ed25519" ? key : null;
  } catch {
    return null;
  }
}

/**
 * Reckons the chain of an exported log again, line by line, and names the first line at which it breaks. With a key,
 * every head in the log must be signed by it and be that of an entry, and there must be one.
 */
export function verifyLog(text: string, key: KeyObject | null): Verified {
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  const entries: unknown[] = [];
  const heads: unknown[] = [];
  for (const [at, line] of lines.entries()) {
    const row = readLine(line);
    if (row === undefined) return broken(at, "it is not JSON");
    const head = read(row, "head");
    if (head !== undefined) heads.push(head);
    else {
      const why = findBreak(row, entries.at(-1));
      if (why) return broken(at, why);
      entries.push(row);
    }
  }
  if (entries.length === 0) return { isWhole: false, text: "there is no entry in it." };
  const why = key ? findFalseHead(heads, entries, key) : null;
  if (why) return { isWhole: false, text: why };
  const upTo = key ? ` Signed up to entry ${Math.max(...heads.map((head) => Number(read(head, "seq"))))}.` : "";
  const last = entries.at(-1);
  const org = clean(read(last, "org"));
  return { isWhole: true, text: `The ${entries.length} entries of ${org} are whole: ${read(last, "hash")}.${upTo}` };
}

function readLine(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

/** Why an entry does not follow the one before it; null when it does. */
function findBreak(row: unknown, before: unknown): string | null {
  const seq = before === undefined ? 1 : Number(read(before, "seq")) + 1;
  if (read(row, "seq") !== seq) return `entry ${seq} should be here, not ${clean(read(row, "seq"))}`;
  if (before !== undefined && read(row, "org") !== read(before, "org")) return "it is another org's";
  const prev = before === undefined ? start : read(before, "hash");
  if (read(row, "prev") !== prev) return `entry ${seq} does not follow the one before it`;
  const fields = hashed.map((name) => read(row, name));
  const hash = createHash("sha256")
    .update(`${clean(prev)}\n${JSON.stringify(fields)}`)
    .digest("hex");
  return read(row, "hash") === hash ? null : `entry ${seq} is not what was written`;
}

/** What is wrong with the signed heads of a log; null when nothing is. */
function findFalseHead(heads: unknown[], entries: unknown[], key: KeyObject): string | null {
  if (heads.length === 0) return "there is no signed head in it.";
  for (const head of heads) {
    const seq = Number(read(head, "seq"));
    const bytes = Buffer.from(JSON.stringify(["penstock audit head", ...signed.map((name) => read(head, name))]));
    const signature = Buffer.from(String(read(head, "signature")), "base64url");
    if (!verify(null, bytes, key, signature)) return `the head of entry ${seq} is not signed by this key.`;
    const entry = entries[seq - 1];
    if (entry === undefined) return `the log was cut: it ends at entry ${entries.length}, and ${seq} was signed.`;
    if (read(entry, "hash") !== read(head, "hash") || read(entry, "org") !== read(head, "org"))
      return `entry ${seq} is not the one that was signed.`;
  }
  return null;
}

function broken(at: number, why: string): Verified {
  return { isWhole: false, text: `the chain breaks at line ${at + 1}: ${why}.` };
}
