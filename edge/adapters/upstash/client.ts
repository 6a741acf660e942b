import { createHash } from "node:crypto";
import { OutOfReach } from "../../errors.ts";

/** The bounds of an error's text in a log, in characters: the whole, and one word. */
const errorLengthMax = 200;
const errorWordMax = 24;

/**
 * Where Upstash's REST is, or a bridge that speaks it. `waitMsMax` bounds each request, from sending to the last byte
 * of its answer.
 */
export interface RedisOptions {
  url: string;
  token: string;
  waitMsMax: number;
}

/** One run of the script: on the keys of one slot. */
export interface Run {
  keys: string[];
  args: string[];
}

/** A script that Redis knows by its SHA-1. */
export interface Script {
  /** Runs it once, in one HTTP request, and answers what it returned. */
  run(run: Run): Promise<unknown>;
  /**
   * Runs it many times, in their order, in one HTTP request; each run fails by itself, and is answered at its index.
   * Never rejects.
   */
  runAll(runs: Run[]): Promise<PromiseSettledResult<unknown>[]>;
}

/**
 * The script goes by its SHA-1, and whole only when Redis does not know it (NOSCRIPT: nothing has run, so it may be
 * sent again). No other failure is tried again. A wrong token, a refusal, garbage, no answer by the deadline: all throw
 * an OutOfReach. Bare `fetch`, because to run a script is all we need, and the SDK's errors quote whole commands.
 */
export function openScript(options: RedisOptions, script: string): Script {
  const sha = createHash("sha1").update(script).digest("hex");
  const bySha = ({ keys, args }: Run) => ["evalsha", sha, keys.length, ...keys, ...args];
  const withText = ({ keys, args }: Run) => ["eval", script, keys.length, ...keys, ...args];
  const post = createPost(options);
  const one = async (command: unknown) => readReply(await post("", command));
  const many = async (commands: unknown[]): Promise<Reply[]> => {
    const replies = await post("/pipeline", commands);
    if (!Array.isArray(replies) || replies.length !== commands.length)
      throw new OutOfReach(`redis: ${readError(replies) ?? "the reply is not the ledger's: no pipeline"}`);
    return replies.map(readReply);
  };
  return {
    async run(run) {
      const reply = await one(bySha(run));
      return readResult(isUnknownScript(reply) ? await one(withText(run)) : reply);
    },
    async runAll(runs) {
      if (runs.length === 0) return [];
      try {
        const replies = await many(runs.map(bySha));
        const again = runs.filter((_, index) => isUnknownScript(replies[index]));
        // The first brings the script with it; the others find it there.
        const late =
          again.length > 0 ? await many(again.map((run, index) => (index === 0 ? withText(run) : bySha(run)))) : [];
        const all = replies.map((reply) => (isUnknownScript(reply) ? late.shift() : reply));
        return await Promise.allSettled(all.map(async (reply) => readResult(reply)));
      } catch (reason) {
        return runs.map(() => ({ status: "rejected", reason }));
      }
    },
  };
}

/** The reply of Redis to one command: a result or an error. */
type Reply = { result: unknown } | { error: string };

function createPost({ url, token, waitMsMax }: RedisOptions): (path: string, body: unknown) => Promise<unknown> {
  const base = url.replace(/\/$/, "");
  const headers = { "content-type": "application/json", authorization: `Bearer ${token}` };
  return async (path, body) => {
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(), waitMsMax);
    let response: Response;
    let text: string;
    try {
      response = await fetch(base + path, {
        method: "POST",
        headers,
        body: JSON.stringify(body),
        redirect: "manual",
        signal: late.signal,
      });
      text = await response.text();
    } catch (cause) {
      throw new OutOfReach(
        late.signal.aborted
          ? `redis: no answer within ${waitMsMax} ms`
          : `redis: out of reach (${cause instanceof Error ? cause.name : "?"})`,
      );
    } finally {
      clearTimeout(timer);
    }
    const answer = parse(text);
    if (!response.ok && readError(answer) === null) throw new OutOfReach(`redis: status ${response.status}`);
    return answer;
  };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new OutOfReach("redis: the answer is not JSON");
  }
}

function readReply(answer: unknown): Reply {
  const error = readError(answer);
  if (error !== null) return { error };
  const { result } = readMembers(answer);
  return result === undefined ? { error: "the answer has no result" } : { result };
}

function readMembers(answer: unknown): { result?: unknown; error?: unknown } {
  return typeof answer === "object" && answer !== null ? answer : {};
}

/**
 * What went wrong, in the words of whoever answered, up to the first that is as long as a digest or an address: the
 * text may quote the command.
 */
function readError(answer: unknown): string | null {
  const { error } = readMembers(answer);
  if (error === undefined) return null;
  const words = String(error).slice(0, errorLengthMax).split(" ");
  const long = words.findIndex((word) => word.length > errorWordMax);
  return words.slice(0, long < 0 ? undefined : long).join(" ") || "it says why at length";
}

function readResult(reply: Reply | undefined): unknown {
  if (!reply || "error" in reply) throw new OutOfReach(`redis: ${reply?.error ?? "no reply"}`);
  return reply.result;
}

function isUnknownScript(reply: Reply | undefined): boolean {
  return reply !== undefined && "error" in reply && reply.error.startsWith("NOSCRIPT");
}
