import { cpSync, globSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { writeOpenApi } from "#edge/doors/open-api/document.ts";
import { writeGuidePage, writeGuidesPage } from "./guide-page.ts";
import { readGuides } from "./guides.ts";
import { writeLlms, writeLlmsFull } from "./llms.ts";
import { writeReference, type ReadDocument } from "./reference-markdown.ts";
import { writeReferencePage } from "./reference.ts";

/** Writes what is read under /docs and what programs read: guides with their Markdown, reference, llms.txt. */
export function writeDocs(root: string, site: string): void {
  const guides = readGuides(root);
  // What leaves writeOpenApi is JSON.
  const document: ReadDocument = JSON.parse(JSON.stringify(writeOpenApi()));
  const reference = writeReference(document);
  const write = (address: string, text: string) => {
    const file = join(site, address);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  };
  for (const guide of guides) {
    write(guide.twin, guide.markdown);
    write(`${guide.page}.html`, writeGuidePage(guide, guides));
  }
  write("docs/guides.html", writeGuidesPage(guides));
  for (const { twin, markdown } of reference) write(twin, markdown);
  write("llms.txt", writeLlms(guides, reference));
  write("llms-full.txt", writeLlmsFull(guides));
  for (const picture of globSync("**/*.png", { cwd: join(root, "docs") }))
    cpSync(join(root, "docs", picture), join(site, "docs", picture));
  cpSync(join(import.meta.dirname, "browser"), join(site, "docs/look"), { recursive: true });
  cpSync(
    join(root, "node_modules/@fontsource-variable/inter/files/inter-latin-wght-normal.woff2"),
    join(site, "docs/look/inter.woff2"),
  );
  writeReferencePage(root, site);
}
