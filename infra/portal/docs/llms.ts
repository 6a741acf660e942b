import { groupTitles, mainGroups, type Guide } from "./guides.ts";
import type { ReferencePage } from "./reference-markdown.ts";

const title = "# Penstock";
const summary =
  "> Open models on your own GPUs, as a global HTTPS API: one key for the protocols of OpenAI, Anthropic and Ollama.";
const hint = `Links are relative to the gateway that this file came from. A client of OpenAI takes \`/v1\` of it as its
base URL; keys are made in its portal, \`/portal/\`.`;

/** `/llms.txt` in the form of llmstxt.org: what there is to read, as Markdown. */
export function writeLlms(guides: readonly Guide[], reference: readonly ReferencePage[]): string {
  const sections = groupTitles.map((group) => {
    const rows = guides
      .filter((guide) => guide.group === group)
      .map((guide) => writeRow(guide.title, guide.twin, guide.summary));
    return { group, rows };
  });
  const [callers, ...others] = sections.filter(({ group }) => mainGroups.includes(group));
  const rest = sections.filter(({ group }) => !mainGroups.includes(group)).flatMap(({ rows }) => rows);
  const referenceRows = [
    ...reference.map((page) => writeRow(page.title, page.twin, page.summary)),
    writeRow("OpenAPI", "/openapi.json", "The whole API as an OpenAPI 3.1 document."),
  ];
  return `${[
    title,
    summary,
    hint,
    writeSection(callers?.group ?? "", callers?.rows ?? []),
    writeSection("Reference", referenceRows),
    ...others.map(({ group, rows }) => writeSection(group, rows)),
    // What a reader may leave out has this name by llmstxt.org.
    writeSection("Optional", rest),
  ].join("\n\n")}\n`;
}

/** `/llms-full.txt`: the guides for callers and admins, one after the other. */
export function writeLlmsFull(guides: readonly Guide[]): string {
  const texts = guides
    .filter(({ group }) => mainGroups.includes(group))
    .map(({ twin, markdown }) => `<!-- ${twin} -->\n\n${markdown.trim()}`);
  return `${[title, summary, hint, ...texts].join("\n\n")}\n`;
}

function writeSection(name: string, rows: readonly string[]): string {
  return `## ${name}\n\n${rows.join("\n")}`;
}

function writeRow(title: string, address: string, summary: string): string {
  return `- [${title}](${address})${summary === "" ? "" : `: ${summary}`}`;
}
