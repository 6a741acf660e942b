import { isObject } from "#edge/agreements/json.ts";

/** A path as refusals name it (`messages[0].content`), in steps. */
function readSteps(path: string): (string | number)[] {
  return Array.from(path.matchAll(/\[(\d+)\]|[^.[\]]+/g), ([text, index]) =>
    index === undefined ? text : Number(index),
  );
}

/** A member's name as refusals repeat it. */
const clean = (name: string) => name.replace(/[^\w-]/g, "?").slice(0, 64);

/**
 * Does a path lead to something that was sent, or to a member that is missing from an object that was? What a caller
 * reads in a refusal must be found in their own body.
 */
export function leadsSomewhere(body: unknown, path: string): boolean {
  const steps = readSteps(path);
  let value = body;
  for (const [at, step] of steps.entries()) {
    const isLast = at === steps.length - 1;
    if (typeof step === "number") {
      if (!Array.isArray(value) || step >= value.length) return false;
      value = value[step];
      continue;
    }
    if (!isObject(value)) return false;
    const name = Object.keys(value).find((own) => clean(own) === step);
    if (name === undefined) return isLast;
    value = value[name];
  }
  return steps.length > 0;
}
