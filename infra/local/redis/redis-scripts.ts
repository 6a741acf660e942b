import { createHash } from "node:crypto";

/** Takes commands as clients of Upstash send them, and gives them back as a stock Redis takes them. */
export interface ScriptMap {
  rewrite(command: string[]): string[];
  /** The reply of SCRIPT LOAD names the script that the client sent, not the one that was loaded. */
  reply(command: string[], reply: unknown): unknown;
}

/**
 * Upstash knows a flag of its own, `#!lua flags=allow-key-locking`, which Redis refuses to load. It is taken off, and
 * the SHA by which clients ask for the script is mapped to that of what is left. The map lives with the bridge; after a
 * restart EVALSHA is answered NOSCRIPT, and clients send the script again.
 */
export function openScriptMap(): ScriptMap {
  const known = new Map<string, string>();
  const strip = (script: string): string => {
    const stripped = removeLock(script);
    if (stripped !== script) known.set(sha1(script), sha1(stripped));
    return stripped;
  };
  const mapSha = (sha: string) => known.get(sha.toLowerCase()) ?? sha;
  return {
    rewrite(command) {
      const [name = "", first = "", ...rest] = command;
      switch (name.toLowerCase()) {
        case "eval":
        case "eval_ro":
          return [name, strip(first), ...rest];
        case "evalsha":
        case "evalsha_ro":
          return [name, mapSha(first), ...rest];
        case "script":
          if (first.toLowerCase() === "load") return [name, first, ...rest.map(strip)];
          if (first.toLowerCase() === "exists") return [name, first, ...rest.map(mapSha)];
          return command;
        default:
          return command;
      }
    },
    reply(command, reply) {
      const [name = "", first = "", script = ""] = command;
      return name.toLowerCase() === "script" && first.toLowerCase() === "load" ? Buffer.from(sha1(script)) : reply;
    },
  };
}

function removeLock(script: string): string {
  const [, flags, rest = ""] = /^#!lua flags=([^\r\n]*)([^]*)$/.exec(script) ?? [];
  if (flags === undefined) return script;
  const kept = flags
    .split(",")
    .map((flag) => flag.trim())
    .filter((flag) => flag !== "allow-key-locking");
  return (kept.length > 0 ? `#!lua flags=${kept.join(",")}` : "") + rest;
}

function sha1(text: string): string {
  return createHash("sha1").update(text).digest("hex");
}
