/** Values read at the moment of a scrape. */
export interface Gauges {
  inflight: number;
  sequences: number;
  heldTokens: number;
  usageBacklogBytes: number;
  isReady: boolean;
}

/** The agent's own counters. Labels are outcomes and refusal codes: never an org, a key or a model's text. */
export interface Metrics {
  noteRequest(outcome: string): void;
  noteAuthFailure(): void;
  notePing(): void;
  noteTokens(prompt: number, completion: number): void;
  /** How long a call with a form for its answer waited for its first token, in ms. */
  noteStructuredFirstToken(ms: number): void;
  /** A call with a form waits for longer than it should. */
  noteSlowStructured(): void;
  /** Tokens of a prompt beyond what was held for it. */
  noteOverHold(tokens: number): void;
  /**
   * Prometheus text (exposition format 0.0.4), the engines' pages behind it under their own names; a family is
   * described once.
   */
  write(gauges: Gauges, enginePages: string[]): string;
}

/** Opens counters that start at 0 with the process. */
export function openMetrics(): Metrics {
  const requests = new Map<string, number>();
  let authFailures = 0;
  let pings = 0;
  const tokens = { prompt: 0, completion: 0, overHold: 0 };
  const structured = countStructured();
  return {
    noteRequest: (outcome) => void requests.set(outcome, (requests.get(outcome) ?? 0) + 1),
    noteAuthFailure: () => void authFailures++,
    notePing: () => void pings++,
    noteTokens(prompt, completion) {
      tokens.prompt += prompt;
      tokens.completion += completion;
    },
    noteStructuredFirstToken: structured.noteFirstToken,
    noteSlowStructured: structured.noteSlow,
    noteOverHold: (over) => void (tokens.overHold += over),
    write(gauges, enginePages) {
      const outcomes = Array.from(
        requests,
        ([outcome, count]) => `penstock_agent_requests_total{outcome="${outcome}"} ${count}`,
      );
      return [
        ...family(
          "penstock_agent_requests_total",
          "counter",
          "Calls by how they ended: completed, cancelled, failed, left, deadline_passed, or the code of the refusal.",
          outcomes,
        ),
        ...single(
          "penstock_agent_auth_failures_total",
          "counter",
          "Requests without a valid token of the edge.",
          authFailures,
        ),
        ...single("penstock_agent_pings_total", "counter", "Keep-alive comments written.", pings),
        ...writeTokens(tokens),
        ...structured.write(),
        ...writeGauges(gauges),
        ...enginePages.map((page, at) => (at === 0 ? page : page.replace(/^#.*\n/gm, "")).trimEnd()),
        "",
      ].join("\n");
    },
  };
}

function countStructured() {
  const name = "penstock_agent_structured_first_token_seconds";
  let calls = 0;
  let seconds = 0;
  let slow = 0;
  return {
    noteFirstToken(ms: number) {
      calls++;
      seconds += ms / 1_000;
    },
    noteSlow: () => void slow++,
    write: () => [
      ...family(name, "summary", "Waits of calls with a form for their answer until their first token.", [
        `${name}_sum ${seconds}`,
        `${name}_count ${calls}`,
      ]),
      ...single(
        "penstock_agent_slow_structured_calls_total",
        "counter",
        "Calls with a form whose first token took too long: see slow_structured_call in the log.",
        slow,
      ),
    ],
  };
}

function writeGauges(gauges: Gauges): string[] {
  return [
    ...single("penstock_agent_inflight_calls", "gauge", "Calls in flight.", gauges.inflight),
    ...single(
      "penstock_agent_inflight_sequences",
      "gauge",
      "Sequences of the calls in flight: prompts times choices.",
      gauges.sequences,
    ),
    ...single(
      "penstock_agent_held_tokens",
      "gauge",
      "Tokens that the calls in flight may come to have in the pool.",
      gauges.heldTokens,
    ),
    ...single(
      "penstock_agent_usage_backlog_bytes",
      "gauge",
      "Bytes of usage records that the edge has not acknowledged.",
      gauges.usageBacklogBytes,
    ),
    ...single("penstock_agent_ready", "gauge", "1 when the node takes calls.", Number(gauges.isReady)),
  ];
}

function writeTokens({ prompt, completion, overHold }: Record<"prompt" | "completion" | "overHold", number>): string[] {
  return [
    ...single("penstock_agent_prompt_tokens_total", "counter", "Prompt tokens billed.", prompt),
    ...single("penstock_agent_completion_tokens_total", "counter", "Completion tokens billed.", completion),
    ...single(
      "penstock_agent_over_hold_tokens_total",
      "counter",
      "Prompt tokens that engines counted beyond what was held: 0 as long as the bound of a prompt is one.",
      overHold,
    ),
  ];
}

function single(name: string, type: string, help: string, value: number): string[] {
  return family(name, type, help, [`${name} ${value}`]);
}

function family(name: string, type: string, help: string, samples: string[]): string[] {
  return [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...samples];
}
