import { streamTail } from "./answers.ts";
import { Connection } from "./connection.ts";
import { makeArrivals, quantile, makeRandom } from "../stats.ts";
import { writePost } from "./http-messages.ts";

/** The work of the load generator, which is a process of its own. Keys are used in turn. */
export type Load = ClosedLoad | OpenLoad;

interface Aim {
  port: number;
  keys: string[];
  path: string;
  body: string;
}

/** This many connections, each calling again as soon as it is answered, for `ms`. */
export interface ClosedLoad extends Aim {
  kind: "closed";
  connections: number;
  ms: number;
  status: number;
  /** Length of every right answer; null when it may differ. */
  bytes: number | null;
}

/** Streams that arrive as a Poisson process, whether or not earlier ones are done. */
export interface OpenLoad extends Aim {
  kind: "open";
  perSecond: number;
  ms: number;
  seed: number;
  /** Events before `[DONE]`, and bytes of the whole body (null when they may differ). */
  events: number;
  bytes: number | null;
}

/**
 * The result. Latencies are in ms: of the whole answer in a closed loop; of the first event and between events in an
 * open one.
 */
export interface LoadFigures {
  calls: number;
  /** From the first call to the last answer. */
  wallMs: number;
  wrong: number;
  firstWrong: string | null;
  p50Ms: number;
  p99Ms: number;
  gapP50Ms: number;
}

let callsBegun = 0;

async function runClosed(load: ClosedLoad): Promise<LoadFigures> {
  const requests = load.keys.map((key) => writePost(load.path, key, load.body));
  const meter = new LoadMeter();
  const startMs = performance.now();
  const connections = Array.from({ length: load.connections }, () =>
    runConnection(load, requests, startMs + load.ms, meter),
  );
  await Promise.all(connections);
  return meter.report(performance.now() - startMs);
}

function runConnection(load: ClosedLoad, requests: Buffer[], untilMs: number, meter: LoadMeter): Promise<void> {
  const connection = new Connection(load.port);
  return new Promise((resolve) => {
    const next = () => {
      if (performance.now() >= untilMs) {
        connection.close();
        return resolve();
      }
      const sentMs = performance.now();
      let status = 0;
      let bytes = 0;
      connection.call(requests[callsBegun++ % requests.length] ?? Buffer.alloc(0), {
        status: (got) => (status = got),
        body: (piece) => (bytes += piece.length),
        end: () => {
          const isRight = status === load.status && (load.bytes === null || bytes === load.bytes);
          meter.add(performance.now() - sentMs, isRight ? null : `status ${status}, ${bytes} bytes`);
          next();
        },
        fail: (cause) => {
          meter.add(0, cause.message);
          next();
        },
      });
    };
    next();
  });
}

async function runOpen(load: OpenLoad): Promise<LoadFigures> {
  const requests = load.keys.map((key) => writePost(load.path, key, load.body));
  const meter = new LoadMeter();
  const idle: Connection[] = [];
  const startMs = performance.now();
  await Promise.all(
    makeArrivals(load.perSecond, load.ms, makeRandom(load.seed)).map(async (at) => {
      await new Promise((resolve) => setTimeout(resolve, startMs + at - performance.now()));
      const connection = idle.pop() ?? new Connection(load.port);
      await runStream(load, connection, requests[callsBegun++ % requests.length] ?? Buffer.alloc(0), meter);
      idle.push(connection);
    }),
  );
  for (const connection of idle) connection.close();
  return meter.report(performance.now() - startMs);
}

/**
 * Times count from the actual moment of sending: a late timer of ours is not the target's fault, and no call waits for
 * another.
 */
function runStream(load: OpenLoad, connection: Connection, request: Buffer, meter: LoadMeter): Promise<void> {
  const sentMs = performance.now();
  let firstMs = 0;
  let lastMs = 0;
  let status = 0;
  let bytes = 0;
  const pieces: Buffer[] = [];
  return new Promise((resolve) => {
    const close = (wrong: string | null) => {
      meter.add(firstMs, wrong);
      resolve();
    };
    connection.call(request, {
      status: (got) => (status = got),
      body: (piece) => {
        const nowMs = performance.now();
        if (bytes === 0) firstMs = nowMs - sentMs;
        else meter.gaps.push(nowMs - lastMs);
        lastMs = nowMs;
        bytes += piece.length;
        pieces.push(piece);
      },
      end: () => {
        close(status === 200 ? findWrong(load, Buffer.concat(pieces).toString("latin1")) : `status ${status}`);
      },
      fail: (cause) => close(cause.message),
    });
  });
}

/**
 * What is wrong with a stream's body, if anything. Comments that keep a slow stream alive are allowed and not counted.
 */
function findWrong({ events, bytes }: OpenLoad, body: string): string | null {
  const content = body.replaceAll(/^: \w+\n\n/gm, "");
  const count = content.split("\n\n").length - 1;
  const isWhole =
    count === events + 1 && content.endsWith(streamTail.toString()) && (bytes ?? content.length) === content.length;
  return isWhole ? null : `${content.length} bytes, ${count} events, at the end ${JSON.stringify(content.slice(-200))}`;
}

class LoadMeter {
  readonly gaps: number[] = [];
  readonly #ms: number[] = [];
  #wrong = 0;
  #firstWrong: string | null = null;

  add(ms: number, wrong: string | null): void {
    this.#ms.push(ms);
    if (wrong === null) return;
    this.#wrong++;
    this.#firstWrong ??= wrong;
  }

  report(wallMs: number): LoadFigures {
    return {
      calls: this.#ms.length,
      wallMs,
      wrong: this.#wrong,
      firstWrong: this.#firstWrong,
      p50Ms: quantile(this.#ms, 0.5),
      p99Ms: quantile(this.#ms, 0.99),
      gapP50Ms: quantile(this.gaps, 0.5),
    };
  }
}

if (process.send) {
  process.on("message", async ({ id, load }: { id: number; load: Load }) => {
    const answer = load.kind === "closed" ? await runClosed(load) : await runOpen(load);
    process.send?.({ id, answer });
  });
  process.channel?.ref();
  console.log("ready {}");
}
