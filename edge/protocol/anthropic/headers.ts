import { readDuration } from "../rate-headers.ts";

const units = ["requests", "tokens"] as const;

/**
 * Adds what Anthropic's SDKs read beside OpenAI's headers: `request-id`, and `anthropic-ratelimit-{unit}-{limit,
 * remaining,reset}`, whose `reset` is a time (RFC 3339, whole seconds, never early). `nowMs` is in Unix ms.
 */
export function addHeaders(headers: Readonly<Record<string, string>>, nowMs: number): Record<string, string> {
  const added: Record<string, string> = { ...headers };
  const id = headers["x-request-id"];
  if (id !== undefined) added["request-id"] = id;
  for (const unit of units) {
    for (const what of ["limit", "remaining"]) {
      const count = headers[`x-ratelimit-${what}-${unit}`];
      if (count !== undefined) added[`anthropic-ratelimit-${unit}-${what}`] = count;
    }
    const resetMs = readDuration(headers[`x-ratelimit-reset-${unit}`] ?? "");
    if (resetMs !== null) added[`anthropic-ratelimit-${unit}-reset`] = writeTime(nowMs + resetMs);
  }
  return added;
}

function writeTime(ms: number): string {
  return new Date(Math.ceil(ms / 1_000) * 1_000).toISOString().replace(".000Z", "Z");
}
