import { nodePaths } from "#edge/agreements/paths.ts";
import type { Heartbeat } from "#edge/agreements/records/node.ts";
import type { Log } from "../log.ts";
import { postSigned, type EdgeConnection } from "./sign.ts";

/** Where heartbeats go, how often, and what they report. */
export interface HeartbeatOptions extends EdgeConnection {
  log: Log;
  intervalMs: number;
  /** The node as it is now, all but the sequence. */
  read(): Omit<Heartbeat, "sequence">;
}

/** Sends the node's heartbeats until it is closed. */
export interface HeartbeatSender {
  /** Sends one at once, because something changed; while one is on its way the next waits for it. */
  send(): Promise<void>;
  close(): void;
}

const postMsMax = 4_000;

/**
 * Reports the node to the edge every `intervalMs`, signed, numbered from 0 since the boot. A report that fails is not
 * repeated: the next one is newer.
 */
export function openHeartbeat(options: HeartbeatOptions): HeartbeatSender {
  let sequence = 0;
  let running: Promise<void> | null = null;
  let isPending = false;
  let isFailing = false;

  async function post(): Promise<void> {
    const body = JSON.stringify({ ...options.read(), sequence: sequence++ } satisfies Heartbeat);
    const { cause } = await postSigned(options, nodePaths.heartbeat, body, postMsMax);
    if (cause !== null && !isFailing) options.log("heartbeat_failing", { cause });
    if (cause === null && isFailing) options.log("heartbeat_recovered");
    isFailing = cause !== null;
  }

  async function send(): Promise<void> {
    if (running) {
      isPending = true;
      return running;
    }
    running = post();
    await running;
    running = null;
    if (!isPending) return;
    isPending = false;
    await send();
  }

  const timer = setInterval(() => void send(), options.intervalMs);
  return {
    send,
    close: () => clearInterval(timer),
  };
}
