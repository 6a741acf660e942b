import { readFileSync } from "node:fs";
import type { JsonObject } from "#edge/agreements/json.ts";
import type { NativeProtocol } from "#infra/checks/accept/protocols/questions.ts";
import type { Exchange } from "./exchange.ts";

/** A question, what vLLM's own endpoint said, and what it said to the chat that Penstock makes of the question. */
export interface NativeExchange {
  name: string;
  body: JsonObject;
  whole: Exchange;
  stream: Exchange;
  chat?: Exchange & { body: JsonObject };
}

/** What a real vLLM said at its own endpoint (infra/checks/accept/protocols/record-native.ts). */
export function readNative(protocol: NativeProtocol): { vllm: string; exchanges: NativeExchange[] } {
  const file = new URL(`../../fixtures/vllm/${protocol}-native.json`, import.meta.url);
  return JSON.parse(readFileSync(file, "utf8"));
}
