import { readFileSync } from "node:fs";
import { join } from "node:path";
import { UsageError, type Flags } from "./input/flags.ts";

/** Which edge to call, with which credential, and the org to use when none is named. */
export interface Settings {
  edge: URL;
  /** `null` where none is sent. */
  credential: string | null;
  org: string | undefined;
  warning: string | null;
}

interface DevStack {
  edge?: string;
  adminKey?: string;
  org?: string;
}

type Credential = "admin key" | "bootstrap token" | "none";
type Env = Record<string, string | undefined>;

const repository = join(import.meta.dirname, "../..");

/**
 * Options come before the environment, and the environment before the dev stack's `dev.json`. The dev stack's key goes
 * to the dev stack's edge only: whoever names another edge must give a key for it. Throws a UsageError that says what
 * is missing and never quotes a key.
 */
export function readSettings(flags: Flags, terminal: { env: Env; folder: string }, kind: Credential): Settings {
  const { env, folder } = terminal;
  const dev = findDevStack(flags.one("state"), env["PENSTOCK_STATE"], folder);
  // A stack that is named comes before what the shell happens to hold.
  const shell: Env = flags.one("state") === undefined ? env : {};
  const named = flags.one("edge") ?? shell["PENSTOCK_EDGE"];
  const text = named ?? dev.edge;
  if (!text)
    throw new UsageError(
      "no edge: give --edge URL or set PENSTOCK_EDGE. Start the dev stack with `npm run dev`; name its --state DIR.",
    );
  const edge = readUrl(text);
  const isDevStack = named === undefined || isSameEdge(edge, dev.edge);
  const given =
    kind === "bootstrap token"
      ? (flags.one("token") ?? env["PENSTOCK_BOOTSTRAP_TOKEN"])
      : (flags.one("key") ?? shell["PENSTOCK_ADMIN_KEY"] ?? (isDevStack ? dev.adminKey : undefined));
  const credential = kind === "none" ? null : readCredential(given, kind);
  const isOpen = credential !== null && edge.protocol === "http:" && !isLoopback(edge.hostname);
  const warning = isOpen ? `warning: ${edge.origin} is plain http; the ${kind} can be read on the way.` : null;
  // Any other key may belong to another org.
  const isDevKey = credential === dev.adminKey;
  return { edge, credential, org: isDevStack && isDevKey ? dev.org : undefined, warning };
}

function readCredential(given: string | undefined, kind: Credential): string {
  if (!given)
    throw new UsageError(
      kind === "admin key"
        ? "no admin key: set PENSTOCK_ADMIN_KEY or give --key."
        : "no token: set PENSTOCK_BOOTSTRAP_TOKEN or give --token.",
    );
  if (!/^[\x21-\x7e]+$/.test(given)) throw new UsageError(`the ${kind} is malformed (it is not shown here).`);
  return given;
}

function readUrl(text: string): URL {
  const url = URL.parse(text);
  if (!url || !/^https?:$/.test(url.protocol)) throw new UsageError(`'${text}' is no http(s) URL of an edge.`);
  return url;
}

function isSameEdge(edge: URL, other: string | undefined): boolean {
  return other !== undefined && URL.parse(other)?.origin === edge.origin;
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "[::1]" || host.startsWith("127.");
}

/** The stack whose state is named, or the one that keeps its state here or in the clone. */
function findDevStack(option: string | undefined, variable: string | undefined, folder: string): DevStack {
  const named = option ?? variable;
  if (named !== undefined) {
    const stack = readJson(join(named, "dev.json"));
    if (stack) return stack;
    const what = option === undefined ? "PENSTOCK_STATE" : "--state";
    throw new UsageError(`${what}: no dev stack was started with --state ${named} (there is no dev.json in it).`);
  }
  for (const parent of [folder, repository]) {
    const stack = readJson(join(parent, ".penstock/dev.json"));
    if (stack) return stack;
  }
  return {};
}

function readJson(path: string): DevStack | null {
  try {
    const found: unknown = JSON.parse(readFileSync(path, "utf8"));
    if (typeof found !== "object" || found === null) return null;
    const text = (name: string) => {
      const value: unknown = Reflect.get(found, name);
      return typeof value === "string" ? { [name]: value } : {};
    };
    return { ...text("edge"), ...text("adminKey"), ...text("org") };
  } catch {
    return null;
  }
}
