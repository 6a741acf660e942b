import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { writeHead } from "./guide-page.ts";

/** Scalar's own chat with a model, and whatever else of it is never to run here: not even there to be loaded. */
const leftOut = /^Agent|\.map$/;

/**
 * Writes the API reference: a page that reads /openapi.json, and Scalar's build for browsers, which draws it. The
 * folder of that build has its version in its name, so it may be kept for ever.
 */
export function writeReferencePage(root: string, site: string): void {
  const library = join(root, "node_modules/@scalar/api-reference");
  const { version }: { version: string } = JSON.parse(readFileSync(join(library, "package.json"), "utf8"));
  const folder = `docs/look/scalar-${version}`;
  const isWanted = (path: string) => !leftOut.test(basename(path));
  cpSync(join(library, "dist/browser/chunks"), join(site, folder, "chunks"), { recursive: true, filter: isWanted });
  cpSync(join(library, "dist/browser/standalone.esm.js"), join(site, folder, "standalone.esm.js"));
  const head = writeHead("API reference", "Every operation of this gateway, to read and to try.", {
    styles: "reference",
    twin: "/docs/reference.md",
  });
  writeFileSync(
    join(site, "docs.html"),
    `${head}
<div id="reference" data-scalar="/${folder}/standalone.esm.js"></div>
<noscript><p>Without scripts: <a href="/docs/reference.md">the reference as Markdown</a>.</p></noscript>
<script type="module" src="/docs/look/reference.js"></script>
</body></html>
`,
  );
}
