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

/** The file `_headers`, which the platform's assets read: the policy everywhere, and names with a digest for ever. */
export function writeHeaders(policy: string): string {
  return `/portal/*
  Content-Security-Policy: ${policy}
  Referrer-Policy: no-referrer
  X-Content-Type-Options: nosniff
  Cross-Origin-Opener-Policy: same-origin
  Cross-Origin-Resource-Policy: same-origin
  Permissions-Policy: camera=(), geolocation=(), microphone=()
  Cache-Control: no-cache
/portal/assets/*
  ! Cache-Control
  Cache-Control: public, max-age=31536000, immutable
`;
}
