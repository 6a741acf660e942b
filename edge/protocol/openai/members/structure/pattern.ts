import { repetitionMax } from "../../../../limits.ts";

/**
 * What is wrong with a regular expression that an engine has to compile, as the end of a sentence; null for a good one.
 * Each count (`{m,n}`) copies what it repeats, so a count within a count multiplies: neither is allowed to be large.
 * Reads no more of the syntax than counts, groups, classes and escapes; what is malformed the engine refuses.
 */
export function findPatternFault(pattern: string): string | null {
  /** For each open group, whether a count was seen in it. */
  const groups = [false];
  let hasCounted = false;
  for (let at = 0; at < pattern.length; at++) {
    const char = pattern[at];
    if (char === "\\") at++;
    else if (char === "[") at = findClassEnd(pattern, at);
    else if (char === "(") groups.push(false);
    else if (char === ")") {
      hasCounted = groups.pop() ?? false;
      if (groups.length === 0) groups.push(false);
      if (hasCounted) groups[groups.length - 1] = true;
      continue;
    } else if (char === "{") {
      const count = readCount(pattern, at);
      if (count !== null) {
        if (count.most > repetitionMax) return `must not repeat anything more than ${repetitionMax} times`;
        if (hasCounted) return "must not have a count within a count";
        groups[groups.length - 1] = true;
        at = count.end;
      }
    }
    hasCounted = false;
  }
  return null;
}

function findClassEnd(pattern: string, start: number): number {
  for (let at = start + 1; at < pattern.length; at++) {
    if (pattern[at] === "\\") at++;
    else if (pattern[at] === "]" && at > start + 1) return at;
  }
  return pattern.length;
}

/** `{3}`, `{3,}`, `{3,5}`, `{,5}`: the larger number and where it ends; null where the brace stands for itself. */
function readCount(pattern: string, start: number): { most: number; end: number } | null {
  const found = /^\{(\d*)(,?)(\d*)\}/.exec(pattern.slice(start, start + 32));
  if (!found || (found[1] === "" && found[3] === "")) return null;
  return { most: Math.max(Number(found[1]), Number(found[3])), end: start + found[0].length - 1 };
}
