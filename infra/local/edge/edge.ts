import { readdirSync, readFileSync } from "node:fs";
import { mkdir, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { convertV4MiniflareOptions, Log, LogLevel, Miniflare, type MiniflareOptions } from "miniflare";
import { unstable_getMiniflareWorkerOptions, unstable_splitSqlQuery } from "wrangler";
import { bundleWorker } from "./bundle.ts";
import { freePorts } from "../child.ts";
import { openFront } from "./front.ts";

/** How a local edge is set up. */
export interface EdgeOptions {
  root: string;
  port: number;
  /** Where D1 and the ledgers keep their files; they survive a restart and `kill -9`. */
  stateDir: string;
  /** Variables and secrets, over those of wrangler.toml. */
  vars: Record<string, string>;
  /** Takes what the Worker logs, a line at a time. */
  log?: (line: string) => void;
  entry?: string;
  /** A folder in which edges on one machine find each other. */
  registry?: string;
  /** By default `penstock`; each edge of a registry has a name of its own. */
  name?: string;
  /**
   * The edge of the registry whose ledgers and fleet this one uses, as all edges of a deployment use the same; by
   * default its own. D1 is always its own.
   */
  hostedBy?: string;
}

/** A local D1. */
export type LocalDatabase = Awaited<ReturnType<Miniflare["getD1Database"]>>;

/** An edge that answers at `url`. */
export interface RunningEdge {
  url: string;
  /** Of its workerd, by /proc (Linux); `null` while it has none. A workerd that is killed is started again at once. */
  readonly pid: number | null;
  /** Rings the Worker's cron once, as the platform does each minute; resolves when its chores are done. */
  ringCron(): Promise<void>;
  /** Its D1, past the API: for what no API lets in, such as a past. */
  openDatabase(): Promise<LocalDatabase>;
  close(): Promise<void>;
}

/**
 * Miniflare gives the Worker the address of whoever called; on this machine a caller is limited by address only if they
 * name one in `cf-connecting-ip`.
 */
export const loopback = "127.0.0.0/8,::1";

/**
 * The Worker in real workerd with all its bindings, on this machine: the same wrangler.toml as in production, through
 * the Miniflare API, behind a front that lets callers leave (front.ts). The only file that uses wrangler's and
 * Miniflare's unstable functions.
 */
export async function startEdge(options: EdgeOptions): Promise<RunningEdge> {
  const { workerOptions } = unstable_getMiniflareWorkerOptions(join(options.root, "wrangler.toml"));
  const script = await bundleWorker(options.root, options.entry);
  await mkdir(options.stateDir, { recursive: true });
  const { log, name = "penstock", hostedBy, registry } = options;
  // First, so that its port is no longer free.
  let workerdPort = 0;
  const front = await openFront(options.port, () => workerdPort);
  [workerdPort = 0] = await freePorts(1);
  const given = "bindings" in workerOptions && typeof workerOptions.bindings === "object" ? workerOptions.bindings : {};
  const settings = (): MiniflareOptions =>
    convertV4MiniflareOptions({
      ...workerOptions,
      ...(hostedBy !== undefined && {
        durableObjects: bindObjects(hostedBy),
        unsafeHandleRuntimeRestart: () => miniflare.setOptions(settings()),
      }),
      ...(registry !== undefined && { unsafeDevRegistryPath: registry }),
      name,
      modules: [{ type: "ESModule", path: "worker.js", contents: script }],
      modulesRoot: "/",
      bindings: { ...given, IP_EXEMPT: loopback, CLIENT_IP_HEADER: "cf-connecting-ip", ...options.vars },
      host: "127.0.0.1",
      port: workerdPort,
      cf: false,
      telemetry: { enabled: false },
      resourcePersistencePath: options.stateDir,
      log: new Log(LogLevel.ERROR),
      handleStructuredLogs: ({ message }) => log?.(message),
    });
  const miniflare: Miniflare = new Miniflare(settings());
  const close = async () => {
    await front.close();
    await miniflare.dispose();
  };
  try {
    await miniflare.ready;
    await migrate(miniflare, options.root);
  } catch (cause) {
    await close();
    throw cause;
  }
  return {
    url: front.url,
    get pid() {
      return findWorkerd(workerdPort);
    },
    async ringCron() {
      const worker = await miniflare.getWorker();
      // Its types leave out what it has.
      const scheduled: unknown = Reflect.get(worker, "scheduled");
      if (typeof scheduled !== "function") throw new Error("this Miniflare cannot ring a Worker's cron");
      await Reflect.apply(scheduled, worker, [{ cron: "* * * * *", scheduledTime: new Date() }]);
    },
    openDatabase: () => miniflare.getD1Database("DB"),
    close,
  };
}

/**
 * The objects of another edge. When Miniflare restarts a workerd that died, it has forgotten whose they were (it looks
 * for a worker `dev-registry-proxy`), so it is told again.
 */
function bindObjects(scriptName: string) {
  return { LEDGERS: { className: "OrgLedger", scriptName }, FLEET: { className: "FleetObject", scriptName } };
}

/** The workerd that listens on a port. */
function findWorkerd(port: number): number | null {
  const isIt = (pid: number) => read(`/proc/${pid}/cmdline`).includes(`--socket-addr=entry=127.0.0.1:${port}\0`);
  return (
    readdirSync("/proc")
      .map(Number)
      .find((pid) => pid > 0 && isIt(pid)) ?? null
  );
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

/**
 * Applies the migrations of infra/migrations that have not been applied, as `wrangler d1 migrations apply` does, with
 * the same table.
 */
async function migrate(miniflare: Miniflare, root: string): Promise<void> {
  const db = await miniflare.getD1Database("DB");
  await db.exec(
    "CREATE TABLE IF NOT EXISTS d1_migrations (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE, " +
      "applied_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP NOT NULL)",
  );
  const { results } = await db.prepare("SELECT name FROM d1_migrations").all<{ name: string }>();
  const applied = new Set(results.map((row: { name: string }) => row.name));
  const folder = join(root, "infra/migrations");
  for (const name of (await readdir(folder)).filter((file) => file.endsWith(".sql")).sort()) {
    if (applied.has(name)) continue;
    const statements = unstable_splitSqlQuery(await readFile(join(folder, name), "utf8"));
    await db.batch([
      ...statements.map((sql) => db.prepare(sql)),
      db.prepare("INSERT INTO d1_migrations (name) VALUES (?)").bind(name),
    ]);
  }
}
