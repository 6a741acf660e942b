import { RequestId } from "#edge/agreements/tokens/ids.ts";

/** Facts are ids, counts and codes: never a prompt, a key, a token, or an engine's own words. */
export type Facts = Record<string, string | number | boolean | null>;
/** Writes one event with its facts. */
export type Log = (event: string, facts?: Facts) => void;

/** Writes one JSON line for each event to standard error; standard output carries the `ready` line alone. */
export function openLog(node: string, write: (line: string) => void = (line) => void process.stderr.write(line)): Log {
  return (event, facts) => write(`${JSON.stringify({ at: new Date().toISOString(), event, node, ...facts })}\n`);
}

/** The edge's id of a request, from a header that anybody may have written: `null` where it is none. */
export function readRequestId(header: unknown): string | null {
  return RequestId.safeParse(header).data ?? null;
}

/** What a log may carry of an error: its code or name, never its message, which may quote what caused it. */
export function readCause(error: unknown): string {
  if (!(error instanceof Error)) return "unknown";
  const inner = error.cause instanceof Error ? error.cause : error;
  return "code" in inner && typeof inner.code === "string" ? inner.code : inner.name;
}
