/** What an engine reports it used. `null` where it reports nothing, or no plain non-negative integer (Q7). */
export interface Counts {
  prompt: number | null;
  completion: number | null;
  cached: number | null;
}

/**
 * Digits and nothing else: no sign, fraction, exponent, quotes or leading zeros. The text is JSON, so a quote before a
 * name is never escaped.
 */
const promptPattern = /"prompt_tokens"\s*:\s*(0|[1-9]\d{0,15})\s*[,}]/;
const completionPattern = /"completion_tokens"\s*:\s*(0|[1-9]\d{0,15})\s*[,}]/;
const cachedPattern = /"cached_tokens"\s*:\s*(0|[1-9]\d{0,15})\s*[,}]/;

/**
 * Reads the text of a `usage` object. Text, because JSON.parse makes 1e3 and 1000 the same and rounds what is above
 * 2^53.
 */
export function readCounts(usage: string): Counts {
  return {
    prompt: readCount(promptPattern, usage),
    completion: readCount(completionPattern, usage),
    cached: usage.includes('"cached_tokens"') ? readCount(cachedPattern, usage) : null,
  };
}

/** The text of the last member called `usage` of a JSON text whose value is an object; `null` if there is none. */
export function findUsageText(json: string): string | null {
  for (let at = json.lastIndexOf('"usage"'); at >= 0; at = at === 0 ? -1 : json.lastIndexOf('"usage"', at - 1)) {
    const start = /^"usage"\s*:\s*\{/.exec(json.slice(at, at + 64));
    if (start) return sliceObject(json, at + start[0].length - 1);
  }
  return null;
}

function readCount(pattern: RegExp, text: string): number | null {
  const digits = pattern.exec(text)?.[1];
  if (digits === undefined) return null;
  const value = Number(digits);
  return Number.isSafeInteger(value) ? value : null;
}

/** The balanced `{…}` that begins at `from`; strings inside may hold braces. */
function sliceObject(text: string, from: number): string | null {
  let depth = 0;
  let isInString = false;
  for (let at = from; at < text.length; at++) {
    const char = text[at];
    if (isInString) {
      if (char === "\\") at++;
      else if (char === '"') isInString = false;
    } else if (char === '"') isInString = true;
    else if (char === "{") depth++;
    else if (char === "}" && --depth === 0) return text.slice(from, at + 1);
  }
  return null;
}
