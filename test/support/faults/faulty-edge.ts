import type { Env } from "#edge/env.ts";
import { wire } from "#edge/wiring.ts";
import door, { FleetObject, OrgLedger as SoundLedger } from "#edge/worker.ts";
import type { BindingFault } from "./binding-fault.ts";

export { FleetObject };

/** Armed for the life of the isolate, in which the Worker and its objects are together. */
const armed: BindingFault[] = [];
const envs = new Map<string, Env>();
const lateMs = 600;
const neverMs = 120_000;
const undone: ReadonlySet<string> = new Set(["LEDGERS.settle", "DB.usage"]);

/**
 * The edge as it is, but for its bindings: each may fail as a test says. Calls of one cell share an isolate's memory of
 * nodes with no other cell.
 */
export default {
  ...door,
  async fetch(request: Request, env: Env, context: ExecutionContext): Promise<Response> {
    const { pathname } = new URL(request.url);
    if (pathname === "/faults" && request.method === "GET") return Response.json(armed);
    if (pathname === "/faults") {
      armed.push(await request.json());
      return new Response("armed");
    }
    if (pathname === "/cron") {
      await (await wire(envOf("", env))).chores();
      return new Response("done");
    }
    return door.fetch(request, envOf(request.headers.get("x-fault-cell") ?? "", env), context);
  },
};

/** What an org's object itself stands on. */
export class OrgLedger extends SoundLedger {
  constructor(ctx: DurableObjectState, env: { DB: D1Database }) {
    super(ctx, { ...env, DB: faultyDatabase(env.DB) });
  }
}

/** One environment a cell, always the same: the edge keeps its wiring by it. */
function envOf(cell: string, env: Env): Env {
  const known = envs.get(cell);
  if (known) return known;
  const faulty = {
    ...env,
    DB: faultyDatabase(env.DB),
    LEDGERS: faultyNamespace(env.LEDGERS, "LEDGERS", (given) => JSON.stringify(given)),
    FLEET: faultyNamespace(env.FLEET, "FLEET", () => cell),
  };
  envs.set(cell, faulty);
  return faulty;
}

function draw(at: string, isMine: (key: string) => boolean): BindingFault["fault"] | null {
  const found = armed.find((one) => one.at === at && one.times > 0 && isMine(one.key));
  if (!found) return null;
  found.times--;
  found.struck = (found.struck ?? 0) + 1;
  return found.fault;
}

/**
 * What each fault does at a binding. In all but `error` the work is done: that is the worse case, since then something
 * is held or written of which the asker does not know. Only where the asker counts on the work, nonsense for an answer
 * means that it was not.
 */
async function struck(
  at: string,
  fault: BindingFault["fault"] | null,
  work: () => Promise<unknown>,
  shape: unknown = { CANARY: true },
): Promise<unknown> {
  if (fault === "error") throw new Error("CANARY: the binding failed");
  if (fault === "slow") await scheduler.wait(lateMs);
  const isUndone = (fault === "garbage" || fault === "shape") && undone.has(at);
  const answer = isUndone ? null : await work();
  if (fault === "timeout") await scheduler.wait(neverMs);
  if (fault === "garbage") return "<html>CANARY</html>";
  return fault === "shape" ? shape : answer;
}

/** A call is for whoever is named in the text that `write` makes of what it was given: a shard serves many orgs. */
function faultyNamespace<T extends object>(namespace: T, name: string, write: (given: unknown[]) => string): T {
  return new Proxy(namespace, {
    get(target, member) {
      const own: unknown = Reflect.get(target, member, target);
      if (typeof own !== "function") return own;
      return (...given: unknown[]) => {
        const answer: unknown = Reflect.apply(own, target, given);
        return member === "get" ? faultyStub(answer as object, name, write) : answer;
      };
    },
  });
}

function faultyStub<T extends object>(stub: T, name: string, write: (given: unknown[]) => string): T {
  return new Proxy(stub, {
    get(target, member) {
      const call = (target as Record<PropertyKey, (...given: unknown[]) => Promise<unknown>>)[member];
      const at = `${name}.${String(member)}`;
      return (...given: unknown[]) =>
        struck(
          at,
          draw(at, (key) => write(given).includes(key)),
          () => Promise.resolve(call?.(...given)),
          shapes[at],
        );
    },
  });
}

/** Answers that are nearly right: of the kind, and without what the kind needs. */
const shapes: Record<string, unknown> = {
  "LEDGERS.admit": { kind: "grant" },
  "LEDGERS.introspect": { kind: "scopes" },
  "LEDGERS.settle": [],
  "LEDGERS.release": {},
  "LEDGERS.inspect": { org: "CANARY" },
  "FLEET.heard": [{ heartbeat: { node: "CANARY" } }],
};

/** A statement belongs to whoever is named among its values, or, when it has none that anybody named, to `*`. */
function faultyDatabase(db: D1Database): D1Database {
  const prepare = (sql: string) => faultyStatement(db.prepare(sql), sql, []);
  return new Proxy(db, {
    get: (target, member) => {
      if (member === "prepare") return prepare;
      return member === "batch" ? faultyBatch(target) : Reflect.get(target, member, target);
    },
  });
}

/** What each statement that was given out says and holds. */
const prepared = new WeakMap<object, { at: string; text: string }>();

/** A batch that writes is a write of whoever is named in any of its statements. */
function faultyBatch(db: D1Database) {
  return (statements: D1PreparedStatement[]) => {
    const known = statements.map((statement) => prepared.get(statement)).filter((one) => one !== undefined);
    const text = known.map((one) => one.text).join();
    const work = () => db.batch(statements);
    if (!known.some(({ at }) => at === "DB.write")) return work();
    return struck(
      "DB.write",
      draw("DB.write", (key) => text.includes(key)),
      work,
      [{ results: [{ CANARY: 1 }] }],
    );
  };
}

function faultyStatement(statement: D1PreparedStatement, sql: string, values: unknown[]): D1PreparedStatement {
  const at = /^\s*INSERT INTO usage/.test(sql) ? "DB.usage" : /^\s*SELECT/.test(sql) ? "DB.read" : "DB.write";
  const text = JSON.stringify(values);
  const faulty = new Proxy(statement, {
    get(target, member) {
      if (member === "bind") return (...given: unknown[]) => faultyStatement(target.bind(...given), sql, given);
      const own = (target as unknown as Record<PropertyKey, (...given: unknown[]) => Promise<unknown>>)[member];
      if (member !== "first" && member !== "all" && member !== "run") return own;
      const shape = member === "all" ? { results: [{ CANARY: 1 }] } : { CANARY: 1 };
      return (...given: unknown[]) =>
        struck(
          at,
          draw(at, (key) => text.includes(key)),
          () => Reflect.apply(own!, target, given),
          shape,
        );
    },
  });
  prepared.set(faulty, { at, text });
  return faulty;
}
