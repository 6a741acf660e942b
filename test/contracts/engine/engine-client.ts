/** A choice in an answer or a chunk, as far as the suite looks at it. */
export interface TestChoice {
  index: number;
  text?: string;
  message?: {
    role: string;
    content: string | null;
    tool_calls?: { type: string; function: { name: string; arguments: string } }[];
  };
  delta?: {
    role?: string;
    content?: string | null;
    tool_calls?: { function: { name?: string; arguments?: string } }[];
  };
  finish_reason: string | null;
  stop_reason?: string | number | null;
  token_ids?: number[] | null;
  prompt_token_ids?: number[] | null;
  logprobs?: {
    content?: { token: string; logprob: number; bytes: number[]; top_logprobs: unknown[] }[];
    tokens?: string[];
    token_logprobs?: (number | null)[];
  } | null;
}

export interface TestUsage {
  prompt_tokens: number;
  total_tokens: number;
  completion_tokens: number;
  prompt_tokens_details?: { cached_tokens: number | null } | null;
}

export interface TestAnswer {
  id: string;
  object: string;
  model: string;
  choices: TestChoice[];
  usage?: TestUsage;
  prompt_token_ids?: number[] | null;
  error?: { message: string; type: string; param: string | null; code: number };
}

/** Speaks to an engine as bluntly as a test needs it. */
export class EngineClient {
  readonly url: string;

  constructor(url: string) {
    this.url = url;
  }

  post(path: string, body: unknown, init: RequestInit = {}): Promise<Response> {
    const headers = { "content-type": "application/json", ...init.headers };
    return fetch(this.url + path, { method: "POST", body: JSON.stringify(body), ...init, headers });
  }

  /** A whole answer; throws with what the engine said when it is not 200. */
  async whole(path: string, body: unknown): Promise<TestAnswer> {
    const response = await this.post(path, body);
    const text = await response.text();
    if (response.status !== 200) throw new Error(`${response.status} ${text}`);
    return JSON.parse(text) as TestAnswer;
  }

  /** All events of a stream, `[DONE]` included, comments left out. */
  async events(path: string, body: object): Promise<string[]> {
    const response = await this.post(path, { ...body, stream: true });
    const text = await response.text();
    if (response.status !== 200) throw new Error(`${response.status} ${text}`);
    return text
      .split("\n\n")
      .filter((event) => event.startsWith("data: "))
      .map((event) => event.slice(6));
  }

  /** The chunks of a stream that ended well; throws when `[DONE]` is missing. */
  async chunks(path: string, body: object): Promise<TestAnswer[]> {
    const events = await this.events(path, body);
    if (events.at(-1) !== "[DONE]") throw new Error(`no [DONE] but ${events.at(-1)}`);
    return events.slice(0, -1).map((event) => JSON.parse(event) as TestAnswer);
  }

  /** The sum of a metric's samples whose labels contain `label`; `null` when there is none. */
  async metric(name: string, label = ""): Promise<number | null> {
    const text = await (await fetch(`${this.url}/metrics`)).text();
    const lines = text.split("\n").filter((line) => line.startsWith(`${name}{`) && line.includes(label));
    return lines.length === 0 ? null : lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(" "))), 0);
  }

  /** Resolves when nothing runs or waits any more; throws after `ms`. */
  async idle(ms: number): Promise<void> {
    const until = Date.now() + ms;
    for (;;) {
      const busy =
        ((await this.metric("vllm:num_requests_running")) ?? 0) +
        ((await this.metric("vllm:num_requests_waiting")) ?? 0);
      if (busy === 0) return;
      if (Date.now() > until) throw new Error(`still ${busy} requests after ${ms} ms`);
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
  }
}
