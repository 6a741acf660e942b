import { createHash } from "node:crypto";
import {
  copyFileSync,
  cpSync,
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { pageList } from "#edge/portal/page-list.ts";
import { hashStyles, writeHeaders, writePolicy } from "./site-files.ts";

const root = join(import.meta.dirname, "../..");
const folder = join(root, "build/portal");
/** Where the built site lies; the Worker serves it (wrangler.toml). */
const site = join(folder, "site");

/** A part of the site, which is built anew when one of its sources has changed. */
interface SitePart {
  name: string;
  sources: string[];
  build(outDir: string): Promise<void>;
}

const parts: readonly SitePart[] = [
  {
    name: "pages",
    // Its tables of roles, windows, events and paths are the edge's own.
    sources: ["edge/portal/**/*", "infra/portal/*", "package-lock.json", "edge/{agreements,control}/**/*.ts"],
    build: buildPages,
  },
  {
    // The reference is written from all that the edge says of its API.
    name: "docs",
    sources: ["docs/**/*", "infra/portal/docs/**/*", "edge/**/*.ts", "package-lock.json"],
    build: async (outDir) => (await import("./docs/write-docs.ts")).writeDocs(root, outDir),
  },
];

/**
 * Makes sure that the site, the portal's pages and the docs, is built from the sources as they are; about two seconds
 * for what has changed, nothing otherwise. Whoever serves an older build goes on until the new one is whole.
 */
export async function ensurePortal(): Promise<void> {
  const digests = parts.map(({ sources }) => digestSources(sources));
  const whole = digests.join("\n");
  if (existsSync(join(site, "_headers")) && readStamp("site") === whole) return;
  mkdirSync(folder, { recursive: true });
  for (const [at, { name, build }] of parts.entries()) {
    const digest = digests[at] ?? "";
    if (existsSync(join(folder, name)) && readStamp(name) === digest) continue;
    await replaceFolder(name, digest, build);
  }
  await replaceFolder("site", whole, async (fresh) => {
    for (const { name } of parts) cpSync(join(folder, name), fresh, { recursive: true });
    writeFileSync(join(fresh, "_headers"), writeHeaders(writePolicy(hashStyles(root))));
  });
}

function readStamp(name: string): string | null {
  const stamp = join(folder, `${name}-built-from`);
  return existsSync(stamp) ? readFileSync(stamp, "utf8") : null;
}

/** Builds a folder beside the one that is there, then puts it in its place. */
async function replaceFolder(name: string, digest: string, build: (outDir: string) => Promise<void>): Promise<void> {
  const fresh = mkdtempSync(join(folder, "fresh-"));
  try {
    await build(fresh);
    const old = mkdtempSync(join(folder, "old-"));
    if (existsSync(join(folder, name))) renameSync(join(folder, name), join(old, name));
    renameSync(fresh, join(folder, name));
    writeFileSync(join(folder, `${name}-built-from`), digest);
    rmSync(old, { recursive: true, force: true });
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
}

async function buildPages(fresh: string): Promise<void> {
  const { build } = await import("vite");
  const outDir = join(fresh, "portal");
  await build({
    configFile: join(root, "infra/portal/vite.config.ts"),
    configLoader: "native",
    logLevel: "warn",
    build: { outDir },
  });
  // Each page is a file of its own, so an address that somebody sends needs no code to be answered, and one that does
  // not exist is a 404.
  const pages = pageList.filter(({ name }) => name !== "overview");
  for (const { name } of pages) copyFileSync(join(outDir, "index.html"), join(outDir, `${name}.html`));
}

/** One digest of all these files, and of their names. */
function digestSources(patterns: string[]): string {
  const files = globSync(patterns, { cwd: root, withFileTypes: true });
  const hash = createHash("sha256");
  const paths = files.filter((file) => file.isFile()).map((file) => join(file.parentPath, file.name));
  for (const path of paths.sort()) hash.update(path.slice(root.length)).update("\0").update(readFileSync(path));
  return hash.digest("hex");
}

/** Types of the API as it is described now, for `vue-tsc`. */
async function writeTypes(): Promise<void> {
  const [{ default: openapiTS, astToString }, { writeOpenApi }] = await Promise.all([
    import("openapi-typescript"),
    import("#edge/doors/open-api/document.ts"),
  ]);
  // What leaves writeOpenApi is JSON, so it may pass as text.
  const types = await openapiTS(JSON.stringify(writeOpenApi()));
  mkdirSync(join(folder, "types"), { recursive: true });
  writeFileSync(join(folder, "types/open-api.d.ts"), astToString(types));
}

if (import.meta.main) {
  await ensurePortal();
  if (process.argv.includes("--types")) await writeTypes();
}
