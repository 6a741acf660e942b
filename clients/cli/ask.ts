import { clean, read } from "./output/table.ts";

/** What a command asks of the edge. */
export interface Question {
  method: "GET" | "POST" | "PATCH" | "PUT" | "DELETE";
  /** Below the edge's URL, without a query. */
  path: string;
  query?: Record<string, string | undefined>;
  body?: Record<string, unknown>;
  /** Signing in is for the edge's own pages: this says that it comes from one. */
  isPages?: true;
  /** A status that counts as an answer, though it is not a success. */
  mayAnswer?: number;
  /** The answer is a text, which is passed on as it is. */
  isText?: boolean;
}

/** The edge said no, or nothing. `body` is its error as JSON, if it was that. */
export class EdgeError extends Error {
  readonly body: unknown;

  constructor(message: string, body?: unknown) {
    super(message);
    this.body = body;
  }
}

const waitMsMax = 30_000;
const textWaitMsMax = 600_000;

/**
 * Sends the question to the edge and returns its JSON, or its text where that was asked for. A refusal, a silent edge
 * and an answer that is not JSON throw an EdgeError, which never holds the credential.
 */
export async function ask(to: { edge: URL; credential: string | null }, question: Question): Promise<unknown> {
  const url = new URL(to.edge.pathname.replace(/\/$/, "") + question.path, to.edge.origin);
  for (const [name, value] of Object.entries(question.query ?? {})) {
    if (value !== undefined) url.searchParams.set(name, value);
  }
  const response = await reach(url, to.credential, question);
  const isText = question.isText === true && response.ok;
  const text = await response.text().catch((cause: unknown) => {
    if (isText) throw new EdgeError(`the answer broke off (${nameReason(cause, textWaitMsMax)}). Ask again.`);
    return "";
  });
  if (isText) return text;
  const body = readJson(text);
  if (body === undefined)
    throw new EdgeError(
      `${url.origin} answered ${response.status} with something that is not JSON. Is this an edge of Penstock?`,
    );
  if (!response.ok && response.status !== question.mayAnswer)
    throw new EdgeError(writeMessage(response.status, body), body);
  return body;
}

async function reach(
  url: URL,
  credential: string | null,
  { method, body, isText, isPages }: Question,
): Promise<Response> {
  const headers = {
    ...(credential !== null && { authorization: `Bearer ${credential}` }),
    accept: isText ? "*/*" : "application/json",
    ...(isPages && { origin: url.origin }),
    ...(body && { "content-type": "application/json" }),
  };
  const waitedMsMax = isText ? textWaitMsMax : waitMsMax;
  try {
    return await fetch(url, {
      method,
      headers,
      ...(body && { body: JSON.stringify(body) }),
      // The credential belongs to this edge, not to wherever it points.
      redirect: "error",
      signal: AbortSignal.timeout(waitedMsMax),
    });
  } catch (cause) {
    const why = nameReason(cause, waitedMsMax);
    throw new EdgeError(`cannot reach the edge at ${url.origin} (${why}). Is it running, and is the URL right?`);
  }
}

/** Messages of `fetch` that say more than their error's name and quote nothing. */
const plainReasons: Record<string, string> = {
  "unexpected redirect": "it redirects",
  "bad port": "this port is not allowed",
};

/** Names the failure by its code only: other messages of `fetch` may quote headers. */
function nameReason(cause: unknown, waitedMsMax: number): string {
  if (!(cause instanceof Error)) return "unknown";
  if (cause.name === "TimeoutError") return `no answer within ${waitedMsMax / 1_000} s`;
  const inner = cause.cause;
  const code: unknown = inner instanceof Error ? Reflect.get(inner, "code") : undefined;
  if (typeof code === "string") return code;
  return (inner instanceof Error && plainReasons[inner.message]) || cause.name;
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function writeMessage(status: number, body: unknown): string {
  const message = read(body, "error.message");
  if (message === undefined) return `the edge answered ${status}.`;
  return `${clean(message)} (${status} ${clean(read(body, "error.code"))})`;
}
