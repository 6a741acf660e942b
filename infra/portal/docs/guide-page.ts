import { groupTitles, type Guide } from "./guides.ts";
import { renderGuide } from "./render-guide.ts";

/** What every page of the docs begins with; `styles` is the name of its stylesheet. */
export function writeHead(title: string, summary: string, { styles, twin }: { styles: string; twin: string }): string {
  return `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <meta name="color-scheme" content="light dark" />
    <title>${escapeHtml(title)} · Penstock</title>
    <meta name="description" content="${escapeHtml(summary)}" />
    <script src="/portal/theme.js"></script>
    <link rel="icon" href="/portal/mark.svg" type="image/svg+xml" />
    <link rel="alternate" type="text/markdown" href="${twin}" />
    <link rel="stylesheet" href="/docs/look/frame.css" />
    <link rel="stylesheet" href="/docs/look/${styles}.css" />
  </head>
  <body>
    <nav class="top" aria-label="Site">
      <a class="home" href="/docs/guides"><img src="/portal/mark.svg" alt="" width="24" height="24" />Penstock</a>
      <a href="/docs/guides">Guides</a>
      <a href="/docs">Reference</a>
      <a href="/portal/">Portal</a>
    </nav>
`;
}

/** One guide as a page: the menu of all, the text, and its sections. */
export function writeGuidePage(guide: Guide, all: readonly Guide[]): string {
  const { html, headings } = renderGuide(guide);
  const sections = headings.map(({ id, text }) => `<li><a href="#${id}">${escapeHtml(text)}</a></li>`);
  const aside = `<nav class="sections" aria-labelledby="sections"><p id="sections">On this page</p>
<ul>${sections.join("\n")}</ul></nav>`;
  return `${writeHead(guide.title, guide.summary, { styles: "guides", twin: guide.twin })}
<div class="columns">
<main>
${html}
<p class="twin"><a href="${guide.twin}">This page as Markdown</a></p>
</main>
${sections.length > 1 ? aside : ""}
${writeMenu(all, guide)}
</div><script src="/docs/look/own-address.js"></script></body></html>
`;
}

/** All guides on one page, with what each is about. */
export function writeGuidesPage(all: readonly Guide[]): string {
  const groups = groupTitles.map((title) => {
    const rows = all
      .filter(({ group }) => group === title)
      .map(
        (guide) => `<dt><a href="${guide.page}">${escapeHtml(guide.title)}</a></dt>
<dd>${escapeHtml(guide.summary)}</dd>`,
      );
    return `<h2>${title}</h2>\n<dl>${rows.join("\n")}</dl>`;
  });
  const summary = "All guides of this gateway.";
  return `${writeHead("Guides", summary, { styles: "guides", twin: "/llms.txt" })}
<div class="columns">
<main>
<h1>Guides</h1>
<p>Every address that the gateway answers is in the <a href="/docs">reference</a>. For programs that read there is
<a href="/llms.txt">llms.txt</a>.</p>
${groups.join("\n")}
</main>
${writeMenu(all, null)}
</div><script src="/docs/look/own-address.js"></script></body></html>
`;
}

function writeMenu(all: readonly Guide[], current: Guide | null): string {
  const groups = groupTitles.map((title) => {
    const rows = all
      .filter(({ group }) => group === title)
      .map((guide) => {
        const here = guide === current ? ` aria-current="page"` : "";
        return `<li><a href="${guide.page}"${here}>${escapeHtml(guide.title)}</a></li>`;
      });
    return `<p>${title}</p>\n<ul>${rows.join("\n")}</ul>`;
  });
  return `<nav class="menu" aria-label="Guides">${groups.join("\n")}</nav>`;
}

export function escapeHtml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
}
