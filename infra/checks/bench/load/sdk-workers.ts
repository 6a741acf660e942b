import OpenAI from "openai";
import { answerTokens } from "./answers.ts";
import { LoadMeter, type LoadFigures } from "./load-meter.ts";

/**
 * Workers as people write them: each calls through the official SDK, as it comes, retries included, and calls again as
 * soon as the last stream has ended. Latencies are of whole streams.
 */
export interface WorkerLoad {
  kind: "workers";
  port: number;
  key: string;
  /** The body of each call, JSON. */
  body: string;
  workers: number;
  callsEach: number;
}

/** Runs the workers until each has made its calls. A call that still fails after the SDK's retries is wrong. */
export async function runWorkers({ port, key, body, workers, callsEach }: WorkerLoad): Promise<LoadFigures> {
  const client = new OpenAI({ baseURL: `http://127.0.0.1:${port}/v1`, apiKey: key });
  const request: OpenAI.ChatCompletionCreateParamsStreaming = { ...JSON.parse(body), stream: true };
  const meter = new LoadMeter();
  const startMs = performance.now();
  const run = async () => {
    for (let calls = 0; calls < callsEach; calls++) {
      const sentMs = performance.now();
      const wrong = await readStream(client, request);
      meter.add(performance.now() - sentMs, wrong);
    }
  };
  await Promise.all(Array.from({ length: workers }, run));
  return meter.report(performance.now() - startMs);
}

async function readStream(client: OpenAI, request: OpenAI.ChatCompletionCreateParamsStreaming): Promise<string | null> {
  let events = 0;
  try {
    for await (const _ of await client.chat.completions.create(request)) events++;
  } catch (cause) {
    return String(cause);
  }
  return events === answerTokens ? null : `${events} events`;
}
