import { createHash } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";
import type { NodeRecord } from "#edge/agreements/records/node.ts";
import type { AttemptObserver } from "#edge/fleet/port.ts";
import { verifyHop } from "#edge/agreements/tokens/hop.ts";
import type { FindNodeKeys } from "#edge/agreements/tokens/node-keys.ts";
import { openRetryBudget, type RetryBudget } from "#edge/forwarding/budget.ts";
import type { Refusal } from "#edge/errors.ts";
import type { EngineEndpoint } from "#edge/agreements/paths.ts";
import { readCall, type Call } from "#edge/protocol/openai/call.ts";
import type { Visit } from "#edge/visit.ts";
import { findKeysOf, nodeKeysOf } from "#test/support/fakes/node-keys.ts";
import { testModels } from "#test/support/fakes/models.ts";
import { watching } from "#test/support/stack/node.ts";
import { posted, visitOf } from "#test/support/fakes/visit.ts";

/** What a room's caller brings: the edge's key, the retry budget, and who watches attempts. */
export interface Origin {
  nodeKeys: FindNodeKeys;
  budget: RetryBudget;
  observer: AttemptObserver;
  tickets: { make(terms: { hold: string; node: string }): string };
}
/** What is held for a call. */
export interface Reserved {
  org: string;
  hold: string;
  tier: "shared" | "complex";
  tokensHeld: number;
  completionTokens: number;
}
type Answered = {
  kind: "answer";
  response: Response;
  node: string;
  servedBy: string;
  isLate(): boolean;
  dispose(): void;
};
type NoAnswer = { kind: "no"; refusal: Refusal; mayRun: boolean };
interface HeldCall {
  call: Call;
  reserved: Reserved;
  nodes: NodeRecord[];
  signal: AbortSignal;
}
interface Forwarding {
  forward(visit: Visit, held: HeldCall, origin: Origin): Promise<Answered | NoAnswer>;
  countPrompt(visit: Visit, held: Omit<HeldCall, "signal">, origin: Origin): Promise<number | null>;
}
// The room's index re-exports answer.ts, which speaks of the platform's streams: the tests' own compiler settings do
// not know them.
const path: string = "#edge/forwarding/index.ts";
export const { forward, countPrompt } = (await import(path)) as Forwarding;

/** A hold like any other. */
export const reserved: Reserved = {
  org: "org_0123456789",
  hold: "hold_0123456789012345678901",
  tier: "shared",
  tokensHeld: 300,
  completionTokens: 20,
};
/** A chat call, with what the test cares about over the rest. */
export const chatCall = (over: Record<string, unknown> = {}) =>
  callOf("chat.completions", { model: "chat", messages: [{ role: "user", content: "é" }], max_tokens: 20, ...over });
/** The call that a body makes at an endpoint. */
export const callOf = (endpoint: EngineEndpoint, body: Record<string, unknown>) =>
  readCall(visitOf(posted(body)), endpoint, testModels);
/** What a node makes of the token that it was sent. */
export const readHop = (node: string, headers: IncomingHttpHeaders) =>
  verifyHop(headers.authorization?.slice("Bearer ".length) ?? "", nodeKeysOf(node).hop);
/** An origin with a full retry budget that nobody watches. */
export const originOf = (over: Partial<Origin> = {}): Origin => ({
  nodeKeys: findKeysOf(...Array.from("abcdef", (name) => `node_${name}`)),
  budget: openRetryBudget(),
  observer: watching().watch,
  tickets: { make: ({ hold, node }) => `${hold}.${node}` },
  ...over,
});
/** A body's digest, as tokens carry it. */
export const digestOf = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("base64url");
