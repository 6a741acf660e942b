import Slugger from "github-slugger";
import highlighter from "highlight.js/lib/common";
import MarkdownIt from "markdown-it";
import type { Token } from "markdown-it";
import { resolveLink, type Guide } from "./guides.ts";

/** A heading of a page, as "On this page" lists it. */
export interface GuideHeading {
  id: string;
  text: string;
}

/** A guide as HTML, and its sections. */
export interface RenderedGuide {
  html: string;
  headings: GuideHeading[];
}

/**
 * Turns a page of docs/ into HTML: headings with the anchors that GitHub gives them, links to where the pages are
 * served, code in colours, tables that scroll by themselves. Our own comments in the Markdown stay comments.
 */
export function renderGuide({ name, markdown }: Pick<Guide, "name" | "markdown">): RenderedGuide {
  const parser = new MarkdownIt({ html: true, highlight: colorCode });
  const headings: GuideHeading[] = [];
  parser.core.ruler.push("anchors", ({ tokens }) => headings.push(...nameHeadings(tokens)));
  parser.core.ruler.push("links", ({ tokens }) => tokens.forEach((token) => rewriteLinks(name, token.children ?? [])));
  parser.core.ruler.push("tables", ({ tokens }) => tokens.forEach((_, at) => openHead(tokens.slice(at, at + 3))));
  const { rules } = parser.renderer;
  rules["table_open"] = () => `<div class="scroll" tabindex="0"><table>\n`;
  rules["table_close"] = () => "</table></div>\n";
  const fence = rules["fence"];
  rules["fence"] = (...given) => (fence?.(...given) ?? "").replace("<pre>", `<pre tabindex="0">`);
  return { html: parser.render(markdown), headings };
}

function colorCode(code: string, language: string): string {
  // Empty is "as it is": the parser escapes it then.
  return highlighter.getLanguage(language) ? highlighter.highlight(code, { language }).value : "";
}

/** Gives every heading its anchor; returns those of sections. */
function nameHeadings(tokens: Token[]): GuideHeading[] {
  const slugger = new Slugger();
  return tokens.flatMap((token, at) => {
    if (token.type !== "heading_open") return [];
    const text = readText(tokens[at + 1]?.children ?? []);
    const id = slugger.slug(text);
    token.attrSet("id", id);
    return token.tag === "h2" ? [{ id, text }] : [];
  });
}

function readText(tokens: Token[]): string {
  return tokens.map(({ type, content }) => (type === "text" || type === "code_inline" ? content : "")).join("");
}

/** Links lead to where the site has what they name; what it has not is no link. */
function rewriteLinks(from: string, tokens: Token[]): void {
  let isDead = false;
  for (const token of tokens) {
    if (token.type === "link_open") {
      const to = resolveLink(from, String(token.attrGet("href") ?? ""));
      isDead = to === null;
      token.attrSet("href", to ?? "");
    }
    if (token.type === "image") {
      token.attrSet("src", resolveLink(from, String(token.attrGet("src") ?? "")) ?? "");
      token.attrSet("loading", "lazy");
    }
    if (!isDead || !token.type.startsWith("link_")) continue;
    token.tag = "span";
    token.attrs = null;
    if (token.type === "link_close") isDead = false;
  }
}

/** A head of a column that says nothing is none. */
function openHead([open, content, close]: Token[]): void {
  if (open?.type !== "th_open" || content?.content !== "" || !close) return;
  open.tag = "td";
  close.tag = "td";
}
