import { createHash } from "node:crypto";
import { sitePaths } from "../site-paths.ts";

const style = `
:root { color-scheme: light dark; --ink: #1c2024; --dim: #5b636b; --page: #fcfcfa; --well: #f1f1ec; --line: #dcdcd4;
  --link: #0a5f8a; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e8e8e3; --dim: #9ba3aa; --page: #15181b; --well: #1e2226; --line: #30363b; --link: #7cc4ec; }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink); font: 16px/1.55 system-ui, sans-serif; }
main { max-width: 44rem; margin: 0 auto; padding: clamp(1.5rem, 7vh, 5rem) 1.25rem; }
h1 { margin: 0 0 0.25rem; font-size: 1.75rem; letter-spacing: -0.01em; }
h2 { margin: 2rem 0 0.5rem; font-size: 0.8125rem; font-weight: 600; letter-spacing: 0.06em; text-transform: uppercase;
  color: var(--dim); }
p { margin: 0; }
.dim { color: var(--dim); }
pre { margin: 0; padding: 0.875rem 1rem; white-space: pre-wrap; overflow-wrap: anywhere; background: var(--well);
  border: 1px solid var(--line); border-radius: 8px; }
code { font: 0.875rem/1.6 ui-monospace, SFMono-Regular, Menlo, monospace; }
a { color: var(--link); text-underline-offset: 0.15em; }
a:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; }
ul { display: flex; flex-wrap: wrap; gap: 0.5rem 1.5rem; margin: 0; padding: 0; list-style: none; }
`;

const policy = [
  "default-src 'none'",
  `style-src 'sha256-${createHash("sha256").update(style).digest("base64")}'`,
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

const headers = {
  "cache-control": "no-cache",
  "content-security-policy": policy,
  "referrer-policy": "no-referrer",
  "x-frame-options": "DENY",
  vary: "accept",
};

/** `GET /`: a page of one screen for a browser, and JSON with the same facts for anybody else. */
export function answerWelcome(request: Request): Response {
  const { origin } = new URL(request.url);
  if (wantsPage(request.headers.get("accept") ?? "")) {
    return new Response(writePage(origin), { headers: { ...headers, "content-type": "text/html; charset=utf-8" } });
  }
  return Response.json(
    {
      name: "Penstock",
      baseUrl: `${origin}/v1`,
      openapi: origin + sitePaths.openApi,
      health: origin + sitePaths.health,
    },
    { headers },
  );
}

function wantsPage(accept: string): boolean {
  return accept.split(",").some((type) => /^\s*(text\/html|application\/xhtml\+xml)\s*(;|$)/i.test(type));
}

function writePage(origin: string): string {
  const base = escapeText(`${origin}/v1`);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Penstock</title>
<style>${style}</style>
</head>
<body>
<main>
<h1>Penstock</h1>
<p class="dim">Open models on our own GPUs, as an API that speaks OpenAI's.</p>
<h2>Base URL</h2>
<pre><code>${base}</code></pre>
<h2>Try it</h2>
<pre><code>curl ${base}/chat/completions \\
  -H "Authorization: Bearer sk-pen-YOUR-KEY-HERE" \\
  -H "Content-Type: application/json" \\
  -d '{"model": "chat",
       "messages": [{"role": "user", "content": "Hello!"}]}'</code></pre>
<h2>Read on</h2>
<ul>
<li><a href="${sitePaths.openApi}">OpenAPI document</a></li>
<li><a href="${sitePaths.health}">Health of the models</a></li>
</ul>
</main>
</body>
</html>
`;
}

function escapeText(text: string): string {
  return text.replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`);
}
