import { repetitionMax } from "../../../../limits.ts";

/**
 * What is wrong with a regular expression that an engine has to compile, as the end of a sentence; null for a good one.
 * Each count (`{m,n}`) copies what it repeats, so a count within a count multiplies: neither is allowed to be large.
 * Reads no more of the syntax than counts, groups, classes and escapes; what is malformed the engine refuses.
 */
export function findPatternFault(pattern: string): string | null {
  const groups = new OpenGroups();
  for (let at = 0; at < pattern.length; at++) {
    const char = pattern[at];
    const count = char === "{" ? readCount(pattern, at) : null;
    if (count !== null) {
      if (count.most > repetitionMax) return `must not repeat anything more than ${repetitionMax} times`;
      if (groups.hasCountBefore) return "must not have a count within a count";
      groups.noteCount();
      at = count.end;
    } else if (char === "(") groups.open();
    else if (char === ")") groups.close();
    else {
      if (char === "\\") at++;
      if (char === "[") at = findClassEnd(pattern, at);
      groups.hasCountBefore = false;
    }
  }
  return null;
}

/** Which of the groups that are open have a count in them; the outermost is the pattern itself. */
class OpenGroups {
  #counted = [false];
  /** What stands directly before is a group with a count in it. */
  hasCountBefore = false;

  open(): void {
    this.#counted.push(false);
    this.hasCountBefore = false;
  }

  close(): void {
    const hadCount = this.#counted.pop() ?? false;
    if (this.#counted.length === 0) this.#counted.push(false);
    if (hadCount) this.#mark();
    this.hasCountBefore = hadCount;
  }

  noteCount(): void {
    this.#mark();
    this.hasCountBefore = false;
  }

  #mark(): void {
    this.#counted[this.#counted.length - 1] = true;
  }
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
