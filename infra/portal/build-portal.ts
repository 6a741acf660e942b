import { createHash } from "node:crypto";
import { copyFileSync, existsSync, globSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from "node:fs";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { pageList } from "#edge/portal/page-list.ts";
import { hashStyles, writeHeaders, writePolicy } from "./site-files.ts";

const root = join(import.meta.dirname, "../..");
const folder = join(root, "build/portal");
/** Where the built site lies; the Worker serves it (wrangler.toml). */
const site = join(folder, "site");
const stamp = join(folder, "built-from");

/**
 * Makes sure that the portal is built from the sources as they are; about two seconds when they have changed, nothing
 * otherwise. Whoever serves an older build goes on until the new one is whole.
 */
export async function ensurePortal(): Promise<void> {
  const digest = digestSources();
  if (existsSync(join(site, "_headers")) && existsSync(stamp) && readFileSync(stamp, "utf8") === digest) return;
  mkdirSync(folder, { recursive: true });
  const fresh = mkdtempSync(join(folder, "fresh-"));
  try {
    await buildInto(fresh);
    const old = mkdtempSync(join(folder, "old-"));
    if (existsSync(site)) renameSync(site, join(old, "site"));
    renameSync(fresh, site);
    writeFileSync(stamp, digest);
    rmSync(old, { recursive: true, force: true });
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
}

async function buildInto(fresh: string): Promise<void> {
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
  writeFileSync(join(fresh, "_headers"), writeHeaders(writePolicy(hashStyles(root))));
}

/** A build depends on these: the portal, how it is built, and what is installed. */
function digestSources(): string {
  const files = globSync(["edge/portal/**/*", "infra/portal/*", "package-lock.json", "edge/agreements/paths.ts"], {
    cwd: root,
    withFileTypes: true,
  });
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
