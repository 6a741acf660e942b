import { setTimeout as sleep } from "node:timers/promises";

/** What one call of another org came to. */
export interface NeighbourCall {
  /** A plain call, or one that belongs on the dedicated nodes, where the attack is. */
  kind: NeighbourKind;
  /** `null`: no answer came. */
  status: number | null;
  /** Until the first event with content, or for what is no stream the whole answer. */
  firstMs: number | null;
  /** A stream ended with `[DONE]`. */
  isWhole: boolean;
}

/** `heavy` calls have eight choices: they go where the attack goes. */
export type NeighbourKind = "plain" | "heavy";

interface Sample {
  kind: NeighbourKind;
  path: string;
  body: Record<string, unknown>;
}

const messages = [{ role: "user", content: "How many rows has the table?" }];
const samples: readonly Sample[] = [
  { kind: "plain", path: "/v1/chat/completions", body: { model: "chat", messages, stream: true, max_tokens: 8 } },
  { kind: "plain", path: "/text2sql", body: { messages, stream: true, max_tokens: 8 } },
  { kind: "heavy", path: "/v1/chat/completions", body: { model: "chat", messages, stream: true, n: 8, max_tokens: 8 } },
  { kind: "plain", path: "/v1/embeddings", body: { model: "embed", input: ["a", "b", "c"] } },
];

/** From one call of an org to its next. */
const everyMs = 320;

/** Calls with every key at an even pace for so long, whatever becomes of the calls; resolves when all are answered. */
export async function callAsNeighbours(edgeUrl: string, keys: readonly string[], ms: number): Promise<NeighbourCall[]> {
  const perOrg = keys.map(async (key, org) => {
    const calls: Promise<NeighbourCall>[] = [];
    await sleep((org * everyMs) / keys.length);
    for (let number = org; calls.length * everyMs < ms; number++) {
      const sample = samples[number % samples.length];
      if (sample) calls.push(callOnce(edgeUrl, key, sample));
      await sleep(everyMs);
    }
    return Promise.all(calls);
  });
  return (await Promise.all(perOrg)).flat();
}

async function callOnce(edgeUrl: string, key: string, { kind, path, body }: Sample): Promise<NeighbourCall> {
  const startedAtMs = performance.now();
  const since = () => performance.now() - startedAtMs;
  const headers = { authorization: `Bearer ${key}`, "content-type": "application/json" };
  try {
    const answer = await fetch(edgeUrl + path, { method: "POST", headers, body: JSON.stringify(body) });
    if (answer.status !== 200 || body["stream"] !== true) {
      await answer.arrayBuffer();
      return { kind, status: answer.status, firstMs: since(), isWhole: true };
    }
    let firstMs: number | null = null;
    let text = "";
    for await (const bytes of answer.body ?? []) {
      text += Buffer.from(bytes).toString("utf8");
      if (firstMs === null && /"content":"[^"]/.test(text)) firstMs = since();
    }
    return { kind, status: 200, firstMs, isWhole: text.includes("data: [DONE]") };
  } catch {
    return { kind, status: null, firstMs: null, isWhole: false };
  }
}
