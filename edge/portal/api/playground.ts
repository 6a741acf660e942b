import { readNow } from "../model/clock.ts";
import { readChat } from "../model/chat/stream.ts";
import { api, ask, readFailure } from "./client.ts";

/** How long the key behind the playground lives, and a token made of it. */
const keyMs = 3_600_000;
const tokenSeconds = 600;
/** A token that is about to end is not begun with. */
const spareMs = 30_000;

interface Held {
  org: string;
  secret: string;
  keyEndsMs: number;
  token: string;
  tokenEndsMs: number;
}
let held: Held | null = null;

/**
 * A token for calls in an org's name: ten minutes, chats alone. It stands for a key of this person's that ends within
 * the hour and is listed as any other; its text stays in this page's memory.
 */
export async function takeToken(org: string, keyName: string): Promise<string> {
  if (held?.org === org && held.tokenEndsMs > readNow() + spareMs) return held.token;
  const known = held?.org === org && held.keyEndsMs > readNow() + tokenSeconds * 1_000 ? held : null;
  const keyEndsMs = known?.keyEndsMs ?? readNow() + keyMs;
  const secret = known?.secret ?? (await makeKey(org, keyName, keyEndsMs));
  const response = await fetch(portalPaths.clientTokens, {
    method: "POST",
    headers: { authorization: `Bearer ${secret}`, "content-type": "application/json" },
    body: JSON.stringify({ expires_in: tokenSeconds, endpoints: ["chat.completions"] }),
  });
  const answer: unknown = await response.json().catch(() => null);
  if (!response.ok || typeof answer !== "object" || answer === null || !("token" in answer))
    throw readFailure(response, answer);
  held = { org, secret, keyEndsMs, token: String(answer.token), tokenEndsMs: readNow() + tokenSeconds * 1_000 };
  return held.token;
}

async function makeKey(org: string, name: string, endsMs: number): Promise<string> {
  const { secret } = await ask(
    api.POST("/control/orgs/{org}/keys", {
      params: { path: { org } },
      body: { name, endpoints: ["chat.completions"], expiresAt: new Date(endsMs).toISOString() },
    }),
  );
  return secret;
}

/** How an answer stands. `broken`: what came is not all of it. */
export type AnswerState = "waiting" | "streaming" | "complete" | "stopped" | "broken" | "refused";

/** An answer of one model as it comes, with what is known of the call. */
export interface LiveAnswer {
  state: AnswerState;
  text: string;
  thought: string;
  finish: string | null;
  message: string | null;
  requestId: string | null;
  hold: string | null;
  tier: string | null;
  promptTokens: number | null;
  completionTokens: number | null;
  ttftMs: number | null;
  tookMs: number | null;
}

/** An answer before it has begun. */
export function beginAnswer(): LiveAnswer {
  return {
    state: "waiting",
    text: "",
    thought: "",
    finish: null,
    message: null,
    requestId: null,
    hold: null,
    tier: null,
    promptTokens: null,
    completionTokens: null,
    ttftMs: null,
    tookMs: null,
  };
}

/** Sends a chat and writes what comes into `answer`, to its end. Never throws: what went wrong stands in the answer. */
export async function streamChat(
  answer: LiveAnswer,
  token: string,
  body: Record<string, unknown>,
  signal: AbortSignal,
): Promise<void> {
  const startMs = readNow();
  try {
    const response = await fetch(portalPaths.chat, {
      method: "POST",
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      body: JSON.stringify({ ...body, stream: true, stream_options: { include_usage: true } }),
      signal,
    });
    answer.requestId = response.headers.get("x-request-id");
    answer.hold = response.headers.get("x-penstock-hold");
    answer.tier = response.headers.get("x-penstock-tier");
    if (!response.ok || !response.body) {
      answer.message = readFailure(response, await response.json().catch(() => null)).message;
      answer.state = "refused";
      return;
    }
    await takeParts(answer, response.body, startMs);
  } catch (cause) {
    answer.state = signal.aborted ? "stopped" : answer.state === "waiting" ? "refused" : "broken";
    if (!signal.aborted) answer.message = cause instanceof Error ? cause.message : String(cause);
  } finally {
    answer.tookMs = readNow() - startMs;
  }
}

async function takeParts(answer: LiveAnswer, body: ReadableStream<Uint8Array>, startMs: number): Promise<void> {
  let isDone = false;
  const written = writeByFrames(answer);
  try {
    for await (const part of readChat(body)) {
      answer.state = "streaming";
      if (part.kind === "text" || part.kind === "thought") {
        answer.ttftMs ??= readNow() - startMs;
        written.add(part.kind, part.text);
      } else if (part.kind === "finish") answer.finish = part.reason;
      else if (part.kind === "failure") answer.message = part.message;
      else if (part.kind === "done") isDone = true;
      else {
        answer.promptTokens = part.promptTokens;
        answer.completionTokens = part.completionTokens;
      }
    }
  } finally {
    written.flush();
  }
  answer.state = isDone && answer.message === null ? "complete" : "broken";
}

/**
 * Shows what comes once a frame, however many tokens that are: drawn token by token, several fast models would leave
 * the page no time to hear of a press on Stop.
 */
function writeByFrames(answer: LiveAnswer) {
  const waiting = { text: "", thought: "" };
  let isDue = false;
  const flush = () => {
    isDue = false;
    if (waiting.text !== "") answer.text += waiting.text;
    if (waiting.thought !== "") answer.thought += waiting.thought;
    Object.assign(waiting, { text: "", thought: "" });
  };
  const add = (kind: "text" | "thought", text: string) => {
    waiting[kind] += text;
    if (!isDue) requestAnimationFrame(flush);
    isDue = true;
  };
  return { add, flush };
}
