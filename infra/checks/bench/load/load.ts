import { streamTail } from "./answers.ts";
import { Connection } from "./connection.ts";
import { makeArrivals, makeRandom } from "../stats.ts";
import { writePost } from "./http-messages.ts";
import { LoadMeter, type LoadFigures } from "./load-meter.ts";
import { runWorkers, type WorkerLoad } from "./sdk-workers.ts";

export type { LoadFigures } from "./load-meter.ts";

/** The work of the load generator, which is a process of its own. Keys are used in turn. */
export type Load = ClosedLoad | OpenLoad | WorkerLoad;

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
  /** Ends earlier, once so many calls have begun. */
  callsMax?: number;
  /** What every right answer has; one of these, where there may be several. */
  status: number | readonly number[];
  /** Length of every right answer; null when it may differ. */
  bytes: number | null;
}

/** Streams that arrive as a Poisson process, whether or not earlier ones are done. */
export interface OpenLoad extends Aim {
  kind: "open";
  perSecond: number;
  ms: number;
  /** Calls of the first so many ms are not timed: a key that was silent for a second has no lease yet. */
  untimedMs: number;
  seed: number;
  /** Events before the last, and bytes of the whole body (null when they may differ). */
  events: number | null;
  bytes: number | null;
  /** What a whole body ends with: `[DONE]`, unless the stream is of another protocol. */
  tail?: string;
}

let callsBegun = 0;

async function runClosed(load: ClosedLoad): Promise<LoadFigures> {
  const requests = load.keys.map((key) => writePost(load.path, key, load.body));
  const meter = new LoadMeter();
  const startMs = performance.now();
  let callsLeft = load.callsMax ?? Infinity;
  const mayCall = () => performance.now() < startMs + load.ms && callsLeft-- > 0;
  await Promise.all(Array.from({ length: load.connections }, () => runConnection({ load, requests, mayCall, meter })));
  return meter.report(performance.now() - startMs);
}

/** One connection of a closed loop: calls while it may. */
interface ConnectionRun {
  load: ClosedLoad;
  requests: Buffer[];
  mayCall: () => boolean;
  meter: LoadMeter;
}

function runConnection({ load, requests, mayCall, meter }: ConnectionRun): Promise<void> {
  const connection = new Connection(load.port);
  const right = typeof load.status === "number" ? [load.status] : load.status;
  return new Promise((resolve) => {
    const next = () => {
      if (!mayCall()) {
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
          const isRight = right.includes(status) && (load.bytes === null || bytes === load.bytes);
          meter.countStatus(status);
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
      const isTimed = at >= load.untimedMs;
      await runStream(
        { load, connection, isTimed, meter },
        requests[callsBegun++ % requests.length] ?? Buffer.alloc(0),
      );
      idle.push(connection);
    }),
  );
  for (const connection of idle) connection.close();
  return meter.report(performance.now() - startMs);
}

/** One stream of an open loop, and where it is counted. */
interface StreamRun {
  load: OpenLoad;
  connection: Connection;
  isTimed: boolean;
  meter: LoadMeter;
}

/**
 * Times count from the actual moment of sending: a late timer of ours is not the target's fault, and no call waits for
 * another.
 */
function runStream({ load, connection, isTimed, meter }: StreamRun, request: Buffer): Promise<void> {
  const sentMs = performance.now();
  let firstMs = 0;
  let lastMs = 0;
  let status = 0;
  let bytes = 0;
  const pieces: Buffer[] = [];
  return new Promise((resolve) => {
    const close = (wrong: string | null) => {
      meter.add(isTimed ? firstMs : null, wrong);
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
function findWrong({ events, bytes, tail = streamTail.toString() }: OpenLoad, body: string): string | null {
  const content = body.replaceAll(/^: \w+\n\n/gm, "");
  const count = content.split("\n\n").length - 1;
  const isWhole =
    (events === null || count === events + 1) && content.endsWith(tail) && (bytes ?? content.length) === content.length;
  return isWhole ? null : `${content.length} bytes, ${count} events, at the end ${JSON.stringify(content.slice(-200))}`;
}

function runLoad(load: Load): Promise<LoadFigures> {
  switch (load.kind) {
    case "closed":
      return runClosed(load);
    case "open":
      return runOpen(load);
    case "workers":
      return runWorkers(load);
  }
}

if (process.send) {
  process.on("message", async ({ id, load }: { id: number; load: Load }) => {
    process.send?.({ id, answer: await runLoad(load) });
  });
  process.channel?.ref();
  console.log("ready {}");
}
