import { readFileSync } from "node:fs";
import { join } from "node:path";
import { UsageError, type Flags } from "./flags.ts";

/** Where to ask, with which credential, and the org that is meant when none is named. */
export interface Settings {
  edge: URL;
  credential: string;
  org: string | undefined;
  warning: string | null;
}

interface DevStack {
  edge?: string;
  adminKey?: string;
  org?: string;
}

const repository = join(import.meta.dirname, "../..");

/**
 * Options come before the environment, and that before the dev stack's `.penstock/dev.json`. The dev stack's key goes
 * to the dev stack's edge only: whoever names another edge must name a key for it. Throws a UsageError that says what
 * is missing; it never quotes a key.
 */
export function readSettings(
  flags: Flags,
  terminal: { env: Record<string, string | undefined>; folder: string },
  kind: "admin key" | "bootstrap token",
): Settings {
  const dev = readDevStack(terminal.folder);
  const named = flags.one("edge") ?? terminal.env["PENSTOCK_EDGE"];
  const text = named ?? dev.edge;
  if (!text)
    throw new UsageError(
      "no edge: give --edge URL or set PENSTOCK_EDGE (the dev stack of `npm run dev` is found by itself).",
    );
  const edge = readUrl(text);
  const isDevStack = named === undefined || isSameEdge(edge, dev.edge);
  const given =
    kind === "admin key"
      ? (flags.one("key") ?? terminal.env["PENSTOCK_ADMIN_KEY"])
      : (flags.one("token") ?? terminal.env["PENSTOCK_BOOTSTRAP_TOKEN"]);
  const credential = given ?? (kind === "admin key" && isDevStack ? dev.adminKey : undefined);
  if (!credential)
    throw new UsageError(
      kind === "admin key"
        ? "no admin key: set PENSTOCK_ADMIN_KEY or give --key."
        : "no token: set PENSTOCK_BOOTSTRAP_TOKEN or give --token.",
    );
  if (!/^[\x21-\x7e]+$/.test(credential)) throw new UsageError(`the ${kind} is malformed (it is not shown here).`);
  const isOpen = edge.protocol === "http:" && !isLoopback(edge.hostname);
  const warning = isOpen ? `warning: ${edge.origin} is plain http; the ${kind} can be read on the way.` : null;
  return { edge, credential, org: isDevStack ? dev.org : undefined, warning };
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

function readDevStack(folder: string): DevStack {
  for (const place of [folder, repository]) {
    const stack = readJson(join(place, ".penstock/dev.json"));
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
