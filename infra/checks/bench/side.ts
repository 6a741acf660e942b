import { setTimeout as sleep } from "node:timers/promises";
import type { Limits } from "#edge/agreements/records/quota.ts";
import type { OrgId } from "#edge/agreements/tokens/ids.ts";
import type { Keyring } from "#edge/agreements/tokens/key-format.ts";
import type { Child } from "#infra/local/child.ts";
import { makeCaller, type Caller } from "./load/callers.ts";
import { callOnce, Connection } from "./load/connection.ts";
import { writePost } from "./load/http-messages.ts";
import type { SettledCounts } from "./load/settle.ts";
import type { EdgePorts } from "./servers/workerd-config.ts";
import type { ProbeRequests, ProbeResponses } from "./probe-api.ts";

/**
 * A wrong answer, a lost hold, a count that is off: until this is fixed the bench is worth nothing, so it exits with 1.
 */
export class BrokenError extends Error {}

/** What the origin of the bench has seen. */
export interface OriginState {
  whole: number;
  streams: number;
  running: number;
  settling: SettledCounts;
}

/** An edge over one store of limits, with the origin that answers its calls and settles them, and its probe. */
export interface Side {
  ports: EdgePorts & { origin: number };
  /** Makes orgs and brings them into force; `limits` are theirs, where they have any. */
  publish(count: number, limits?: Partial<Limits>): Promise<Caller[]>;
  /** Open holds and settled calls of these orgs together, however many they are. */
  inspect(orgs: OrgId[]): Promise<{ openHolds: number; settledCalls: number }>;
  probe<Path extends keyof ProbeRequests>(path: Path, request: ProbeRequests[Path]): Promise<ProbeResponses[Path]>;
  origin(): Promise<OriginState>;
  /** Resolves when no call runs and every hold is settled. */
  quiet(): Promise<void>;
}

/** The edge over Redis: the same code in the same process, but for its store. */
export interface RedisSide extends Side {
  /** The process of bridge and Redis. */
  pid: number;
  /** HTTP requests that the bridge has been sent so far, by what they were for. */
  seen(): Promise<Record<string, number>>;
  /** When Redis forces what it writes to disk. */
  sync(when: "always" | "everysec"): Promise<void>;
}

const publishedAtOnce = 500;
const repeatable: ReadonlySet<string> = new Set<keyof ProbeRequests>(["/publish", "/inspect"]);
/**
 * A ledger that was called within ten seconds keeps three files open. Where a machine allows fewer than all need, those
 * that are open are waited for, `letGoMs`, before more are called.
 */
const filesALedger = 5;
const letGoMs = 12_000;

/** Makes a side whose store is the Redis of this child. */
export function makeRedisSide(side: Side, redis: Child): RedisSide {
  return {
    ...side,
    pid: redis.pid,
    seen: () => sendMessage<Record<string, number>>(redis, {}),
    sync: async (when) => void (await sendMessage(redis, { sync: when })),
  };
}

/** The parts of a side. */
export interface SideParts {
  ports: Side["ports"];
  origin: Child;
  keyring: Keyring;
  /** How many files workerd may have open. */
  filesMax: number;
  failure(): string;
}

/** Opens a side over an edge and an origin that run; `close` ends its connection to the probe and nothing else. */
export function openSide({ ports, origin, keyring, filesMax, failure }: SideParts): Side & { close(): void } {
  const probeConnection = new Connection(ports.probe);
  const ledgersAtOnce = Math.floor(filesMax / filesALedger / publishedAtOnce) * publishedAtOnce;
  let ledgersOpen = 0;
  const side: Side = {
    ports,
    async publish(count, limits) {
      const callers: Caller[] = [];
      while (callers.length < count) {
        const more = await Promise.all(
          Array.from({ length: Math.min(publishedAtOnce, count - callers.length) }, () => makeCaller(keyring, limits)),
        );
        await side.probe("/publish", { records: more.flatMap(({ records }) => records) });
        callers.push(...more);
        ledgersOpen += more.length;
        if (ledgersOpen < ledgersAtOnce) continue;
        await sleep(letGoMs);
        ledgersOpen = 0;
      }
      return callers;
    },
    async inspect(orgs) {
      const sums = { openHolds: 0, settledCalls: 0 };
      for (let from = 0; from < orgs.length; from += publishedAtOnce) {
        const some = await side.probe("/inspect", { orgs: orgs.slice(from, from + publishedAtOnce) });
        sums.openHolds += some.openHolds;
        sums.settledCalls += some.settledCalls;
        if ((from + publishedAtOnce) % ledgersAtOnce === 0) await sleep(letGoMs);
      }
      return sums;
    },
    async probe(path, request) {
      const send = () => callOnce(probeConnection, writePost(path, "bench", JSON.stringify(request)));
      let { status, body } = await send();
      // A busy machine may keep Redis from answering in time: requests that may be repeated are.
      for (
        let tries = 0;
        status !== 200 && body.includes("no answer within") && repeatable.has(path) && tries < 5;
        tries++
      )
        ({ status, body } = await send());
      if (status !== 200)
        throw new BrokenError(`the probe answered ${status} to ${path}: ${body}\nworkerd said: ${failure()}`);
      return JSON.parse(body);
    },
    origin: () => sendMessage<OriginState>(origin, {}),
    async quiet() {
      const untilMs = performance.now() + 10_000;
      for (let state = await side.origin(); state.running > 0 || state.settling.open > 0; state = await side.origin()) {
        if (performance.now() > untilMs) throw new BrokenError(`holds are not settled: ${JSON.stringify(state)}`);
        await sleep(10);
      }
    },
  };
  return { ...side, close: () => probeConnection.close() };
}

/**
 * To be called after calls of these orgs have ended. Checks that each of their holds is settled once, none is open, and
 * the ledgers booked what the origin sent.
 */
export async function checkSettled(side: Side, callers: Caller[], calls: number): Promise<void> {
  await side.quiet();
  const { settling } = await side.origin();
  const settled = settling.results["settled"] ?? 0;
  if (settled !== settling.queued)
    throw new BrokenError(`of ${settling.queued} records ${settled} settled: ${JSON.stringify(settling)}`);
  const { openHolds, settledCalls } = await side.inspect(callers.map(({ org }) => org));
  if (openHolds !== 0 || settledCalls !== calls)
    throw new BrokenError(`${calls} calls, but the ledgers have ${settledCalls} settled and ${openHolds} open`);
}

let lastId = 0;

/** Sends a child a message over IPC and resolves to its response; rejects when the child ends first. */
export function sendMessage<T>(child: Child, message: object): Promise<T> {
  const id = ++lastId;
  return new Promise((resolve, reject) => {
    const gone = () => reject(new Error(`${child.name} is gone`));
    const onMessage = (message: { id: number; answer: T }) => {
      if (message.id !== id) return;
      child.process.off("message", onMessage).off("exit", gone);
      resolve(message.answer);
    };
    child.process.on("message", onMessage).once("exit", gone);
    child.process.send({ id, ...message });
  });
}
