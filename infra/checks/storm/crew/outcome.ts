/** What one try of one call came to, as its caller saw it. Times are Unix ms. */
export interface AttemptOutcome {
  caller: number;
  /** Which of the caller's calls, and which try of it, from 0. */
  call: number;
  attempt: number;
  edge: 0 | 1;
  startedAtMs: number;
  endedAtMs: number;
  /** `null`: no headers came. */
  status: number | null;
  /** `x-penstock-hold`. */
  hold: string | null;
  /** `error.code` of a refusal, or of the event that ended a stream. */
  code: string | null;
  /** Content that came: events with text, or 1 for a whole answer. */
  seen: number;
  /** The stream said `[DONE]`, or the whole answer was all there. */
  isDone: boolean;
  /** How the exchange ended: the answer did, we aborted it, the connection broke, or nothing came for far too long. */
  how: "ended" | "aborted" | "broken" | "hung";
  /** The usage in the answer. */
  reported: { promptTokens: number; completionTokens: number } | null;
}

/** Reads a body as it came: an SSE stream or JSON. */
export function readAnswer(
  isStream: boolean,
  status: number,
  body: string,
): Pick<AttemptOutcome, "code" | "seen" | "isDone" | "reported"> {
  return isStream && status === 200 ? readStream(body) : readWhole(status, body);
}

const content = /"(?:content|text)":"[^"]/;

function readStream(body: string): Pick<AttemptOutcome, "code" | "seen" | "isDone" | "reported"> {
  const events = body.split("\n\n").flatMap((block) => (block.startsWith("data: ") ? [block.slice(6)] : []));
  const error = events.find((event) => event.startsWith('{"error":'));
  const usage = events.findLast((event) => event.includes('"usage":{'));
  return {
    code: error ? readCode(error) : null,
    seen: events.filter((event) => content.test(event)).length,
    isDone: events.at(-1) === "[DONE]",
    reported: usage ? readUsage(parse(usage)) : null,
  };
}

function readWhole(status: number, body: string): Pick<AttemptOutcome, "code" | "seen" | "isDone" | "reported"> {
  const answer = parse(body);
  const isDone = status === 200 && answer !== null;
  return {
    code: status === 200 ? null : readCode(body),
    seen: isDone ? 1 : 0,
    isDone,
    reported: isDone ? readUsage(answer) : null,
  };
}

interface AnswerBody {
  error?: { code?: string };
  usage?: { prompt_tokens?: number; completion_tokens?: number };
}

function readCode(json: string): string {
  return parse(json)?.error?.code ?? "unreadable";
}

function readUsage(answer: AnswerBody | null): AttemptOutcome["reported"] {
  const { prompt_tokens: promptTokens, completion_tokens: completionTokens } = answer?.usage ?? {};
  return promptTokens === undefined || completionTokens === undefined ? null : { promptTokens, completionTokens };
}

function parse(json: string): AnswerBody | null {
  try {
    return JSON.parse(json);
  } catch {
    return null;
  }
}
