import { digestBody } from "#edge/agreements/digest.ts";
import type { HopClaims } from "#edge/agreements/tokens/hop.ts";
import type { MacKeys } from "#edge/agreements/tokens/mac-token.ts";
import { makeNodeToken } from "#edge/agreements/tokens/node-token.ts";
import type { UsageRecord } from "#edge/agreements/records/usage.ts";
import { usageBatchMax, usageBatchMs } from "#edge/limits.ts";
import { callOnce, Connection } from "./connection.ts";
import { writePost } from "./http-messages.ts";

/** What has been sent so far, and how the edge answered. */
export interface SettledCounts {
  queued: number;
  /** Records by what their org's ledger did with them; `refused` counts those of a rejected batch. */
  results: Record<string, number>;
  /** Records that wait for an answer, or for their batch. */
  open: number;
  batches: number;
  lastFailure: string | null;
}

/**
 * The agent's side of settlement at its smallest: batches of 64 records or 100 ms, at once for what somebody may wait
 * for, each signed for its body. Nothing is sent twice: a refused batch is an error here.
 */
export class Settling {
  readonly counts: SettledCounts = { queued: 0, results: {}, open: 0, batches: 0, lastFailure: null };
  readonly #node: string;
  readonly #keys: MacKeys;
  readonly #port: number;
  readonly #idle: Connection[] = [];
  #records: UsageRecord[] = [];
  #timer: ReturnType<typeof setTimeout> | null = null;

  constructor(node: string, keys: MacKeys, edgePort: number) {
    this.#node = node;
    this.#keys = keys;
    this.#port = edgePort;
  }

  /** `isUrgent`: somebody may wait for the end of this call. */
  add(record: UsageRecord, isUrgent = false): void {
    this.counts.queued++;
    this.counts.open++;
    this.#records.push(record);
    if (isUrgent || this.#records.length >= usageBatchMax) return this.#flush();
    this.#timer ??= setTimeout(() => this.#flush(), usageBatchMs);
  }

  #flush(): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    const records = this.#records;
    this.#records = [];
    if (records.length > 0) void this.#send(records);
  }

  async #send(records: UsageRecord[]): Promise<void> {
    const { counts } = this;
    counts.batches++;
    const body = JSON.stringify({ node: this.#node, records });
    const connection = this.#idle.pop() ?? new Connection(this.#port);
    try {
      const answer = await callOnce(connection, writePost("/origin/usage", this.#token(body), body));
      if (answer.status !== 200) throw new Error(`usage: ${answer.status} ${answer.body}`);
      for (const [result, count] of Object.entries<number>(JSON.parse(answer.body)))
        counts.results[result] = (counts.results[result] ?? 0) + count;
    } catch (cause) {
      counts.results["refused"] = (counts.results["refused"] ?? 0) + records.length;
      counts.lastFailure = String(cause);
    }
    counts.open -= records.length;
    this.#idle.push(connection);
  }

  #token(body: string): string {
    return makeNodeToken({ node: this.#node, issuedAtMs: Date.now(), bodySha256: digestBody(body) }, this.#keys);
  }
}

/** The record that ends a call which used everything it was allowed. */
export function makeUsageRecord(
  hop: Pick<HopClaims, "hold" | "org" | "model" | "ticket">,
  completionTokens: number,
  startedAtMs: number,
): UsageRecord {
  return {
    hold: hop.hold,
    org: hop.org,
    model: hop.model,
    isFinal: true,
    promptTokens: 60,
    cachedTokens: 0,
    completionTokens,
    units: 0,
    outcome: "completed",
    responseId: "chatcmpl-bench",
    startedAtMs,
    firstTokenAtMs: startedAtMs,
    endedAtMs: Date.now(),
    ...(hop.ticket !== undefined && { ticket: hop.ticket }),
  };
}
