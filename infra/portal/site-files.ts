import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";

/** Files of reka-ui that put a style element of fixed text into the page: what it says is hashed, so that it may. */
const styledParts = ["Viewport/Viewport", "Select/SelectViewport", "Combobox/ComboboxViewport"];

/** The hashes of those texts as they stand in the installed package; throws when a file has none. */
export function hashStyles(root: string): string[] {
  return styledParts.map((part) => {
    const source = readFileSync(join(root, `node_modules/reka-ui/dist/${part}.js`), "utf8");
    const text = /as: "style"[^]*?createTextVNode\("([^"]*)"\)/.exec(source)?.[1];
    if (text === undefined) throw new Error(`reka-ui's ${part} has no style of fixed text any more; see ${part}`);
    return `'sha256-${createHash("sha256").update(text).digest("base64")}'`;
  });
}

/** What browsers let the portal do: nothing from elsewhere, no script or style that the build did not make. */
export function writePolicy(styleHashes: readonly string[]): string {
  return [
    "default-src 'none'",
    "script-src 'self'",
    `style-src 'self' ${styleHashes.join(" ")}`,
    "font-src 'self'",
    "img-src 'self' data: blob:",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types vue default",
  ].join("; ");
}

/** The same for the guides, which have no script but the one that makes them dark. */
const guidesPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "font-src 'self'",
  "img-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join("; ");

/** The same for the reference, whose calls go to this gateway alone (docs/browser/reference.js lives with it). */
const referencePolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "font-src 'self'",
  "img-src 'self' data: blob:",
  "media-src 'self' blob:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types default",
].join("; ");

/** The file `_headers`, which the platform's assets read: policies, and what may be kept, and for how long. */
export function writeHeaders(policy: string): string {
  return [
    writeRule("/portal/*", ...protect(policy), "Cache-Control: no-cache"),
    writeRule("/portal/assets/*", ...keepForEver),
    writeRule("/docs", ...protect(referencePolicy), "Cache-Control: no-cache"),
    writeRule("/docs/*", ...protect(guidesPolicy), "Cache-Control: no-cache"),
    writeRule("/docs/*.md", "! Content-Type", "Content-Type: text/markdown; charset=utf-8"),
    writeRule("/docs/look/scalar-*", ...keepForEver),
    ...["/llms.txt", "/llms-full.txt"].map((path) =>
      writeRule(path, "X-Content-Type-Options: nosniff", "Cache-Control: no-cache", "! Content-Type", plainText),
    ),
  ].join("");
}

const plainText = "Content-Type: text/plain; charset=utf-8";

/** For names that change with what they name. */
const keepForEver = ["! Cache-Control", "Cache-Control: public, max-age=31536000, immutable"];

function protect(policy: string): string[] {
  return [
    `Content-Security-Policy: ${policy}`,
    "Referrer-Policy: no-referrer",
    "X-Content-Type-Options: nosniff",
    "X-Frame-Options: DENY",
    "Cross-Origin-Opener-Policy: same-origin",
    "Cross-Origin-Resource-Policy: same-origin",
    "Permissions-Policy: camera=(), geolocation=(), microphone=()",
  ];
}

function writeRule(path: string, ...lines: string[]): string {
  return `${path}\n${lines.map((line) => `  ${line}\n`).join("")}`;
}
