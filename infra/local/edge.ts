import { mkdir, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { convertV4MiniflareOptions, Log, LogLevel, Miniflare } from "miniflare";
import { unstable_getMiniflareWorkerOptions, unstable_splitSqlQuery } from "wrangler";
import { bundleWorker } from "./bundle.ts";
import { freePorts } from "./child.ts";
import { openFront } from "./front.ts";

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
}

export interface RunningEdge {
  url: string;
  close(): Promise<void>;
}

/**
 * The Worker in real workerd with all its bindings, on this machine: the same wrangler.toml as in production, through the Miniflare API, behind a front that
 * lets callers leave (front.ts). The only file that uses wrangler's and Miniflare's unstable functions.
 */
export async function startEdge(options: EdgeOptions): Promise<RunningEdge> {
  const { workerOptions } = unstable_getMiniflareWorkerOptions(join(options.root, "wrangler.toml"));
  const script = await bundleWorker(options.root, options.entry);
  await mkdir(options.stateDir, { recursive: true });
  const { log } = options;
  // First, so that its port is no longer free.
  let workerdPort = 0;
  const front = await openFront(options.port, () => workerdPort);
  [workerdPort = 0] = await freePorts(1);
  const given = "bindings" in workerOptions && typeof workerOptions.bindings === "object" ? workerOptions.bindings : {};
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      ...workerOptions,
      name: "penstock",
      modules: [{ type: "ESModule", path: "worker.js", contents: script }],
      modulesRoot: "/",
      bindings: { ...given, ...options.vars },
      host: "127.0.0.1",
      port: workerdPort,
      cf: false,
      telemetry: { enabled: false },
      resourcePersistencePath: options.stateDir,
      log: new Log(LogLevel.ERROR),
      handleStructuredLogs: ({ message }) => log?.(message),
    }),
  );
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
  return { url: front.url, close };
}

/** Applies what stands in infra/migrations and has not been applied, as `wrangler d1 migrations apply` does, in its own table. */
async function migrate(miniflare: Miniflare, root: string): Promise<void> {
  const db = await miniflare.getD1Database("DB");
  await db.exec("CREATE TABLE IF NOT EXISTS d1_migrations (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE, applied_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP NOT NULL)");
  const { results } = await db.prepare("SELECT name FROM d1_migrations").all<{ name: string }>();
  const applied = new Set(results.map((row: { name: string }) => row.name));
  const folder = join(root, "infra/migrations");
  for (const name of (await readdir(folder)).filter((file) => file.endsWith(".sql")).sort()) {
    if (applied.has(name)) continue;
    const statements = unstable_splitSqlQuery(await readFile(join(folder, name), "utf8"));
    await db.batch([...statements.map((sql) => db.prepare(sql)), db.prepare("INSERT INTO d1_migrations (name) VALUES (?)").bind(name)]);
  }
}
