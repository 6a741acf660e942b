import type { Heartbeat } from "#edge/agreements/node.ts";
import { causeOf, type Log } from "./log.ts";
import type { Signer } from "./sign.ts";

export interface HeartbeatOptions {
  edgeUrl: string;
  sign: Signer;
  log: Log;
  intervalMs: number;
  /** The node as it is now, all but the sequence. */
  read(): Omit<Heartbeat, "sequence">;
  fetch?: typeof fetch;
}

export interface Pulse {
  /** Tells the edge at once, since something changed; while one report is on its way the next waits for it. */
  beat(): Promise<void>;
  close(): void;
}

const postMsMax = 4_000;

/** Reports the node to the edge every `intervalMs`, signed, numbered from 0 since the boot. A report that fails is not repeated: the next one is newer. */
export function openHeartbeat(options: HeartbeatOptions): Pulse {
  let sequence = 0;
  let running: Promise<void> | null = null;
  let isAgain = false;
  let isFailing = false;

  async function post(): Promise<void> {
    const body = JSON.stringify({ ...options.read(), sequence: sequence++ } satisfies Heartbeat);
    const cause = await send(body, options);
    if (cause !== null && !isFailing) options.log("heartbeat_failing", { cause });
    if (cause === null && isFailing) options.log("heartbeat_heard");
    isFailing = cause !== null;
  }

  async function beat(): Promise<void> {
    if (running) {
      isAgain = true;
      return running;
    }
    running = post();
    await running;
    running = null;
    if (!isAgain) return;
    isAgain = false;
    await beat();
  }

  const timer = setInterval(() => void beat(), options.intervalMs);
  return {
    beat,
    close: () => clearInterval(timer),
  };
}

async function send(body: string, options: HeartbeatOptions): Promise<string | null> {
  try {
    const answer = await (options.fetch ?? fetch)(new URL("/origin/heartbeat", options.edgeUrl), {
      method: "POST",
      headers: { "content-type": "application/json", authorization: `Bearer ${await options.sign(body)}` },
      body,
      redirect: "error",
      signal: AbortSignal.timeout(postMsMax),
    });
    await answer.body?.cancel();
    return answer.ok ? null : `status ${answer.status}`;
  } catch (error) {
    return causeOf(error);
  }
}
