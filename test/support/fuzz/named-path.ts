import { isObject } from "#edge/agreements/json.ts";

/** A path as refusals name it (`messages[0].content`), in steps. */
function readSteps(path: string): (string | number)[] {
  return Array.from(path.matchAll(/\[(\d+)\]|[^.[\]]+/g), ([text, index]) =>
    index === undefined ? text : Number(index),
  );
}

/** A member's name as refusals repeat it. */
const clean = (name: string) => name.replace(/[^\w-]/g, "?").slice(0, 64);

/** Where a path leads: to what was sent, to a member that is missing from an object that was sent, or astray. */
export type Lead = "sent" | "missing" | "astray";

/** Follows a path from a body: what a caller reads in a refusal must be found in their own. */
export function followPath(body: unknown, path: string): Lead {
  const steps = readSteps(path);
  let value = body;
  for (const [at, step] of steps.entries()) {
    if (typeof step === "number") {
      if (!Array.isArray(value) || step >= value.length) return "astray";
      value = value[step];
      continue;
    }
    if (!isObject(value)) return "astray";
    const name = Object.keys(value).find((own) => clean(own) === step);
    if (name === undefined) return at === steps.length - 1 ? "missing" : "astray";
    value = value[name];
  }
  return steps.length > 0 ? "sent" : "astray";
}
