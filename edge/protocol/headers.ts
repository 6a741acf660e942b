import { callMsMax, idempotencyKeyCharsMax, slotWaitMs, slotWaitMsMax } from "../limits.ts";

/** A header that callers may send or will get: what it means, and its form as JSON Schema says it. */
export interface HeaderFact {
  description: string;
  schema: { type: "string" | "integer" | "number"; [member: string]: unknown };
}

const text = { type: "string" } as const;
const number = { type: "integer", minimum: 0 } as const;

/** What a call to a model may say beside its body. */
export const callHeaders: Readonly<Record<string, HeaderFact>> = {
  "Idempotency-Key": {
    description: "A call with a key that was used before is not run again: it is refused with 409.",
    schema: { type: "string", minLength: 1, maxLength: idempotencyKeyCharsMax },
  },
  "x-penstock-timeout-ms": {
    description: `How long the caller waits for the end of the answer, in milliseconds; ${callMsMax} at most count.`,
    schema: { type: "number", exclusiveMinimum: 0 },
  },
  "x-penstock-wait-ms": {
    description:
      "How long the call may wait for a slot when the org or the key has none free, in milliseconds; " +
      `${slotWaitMs} where it is not sent.`,
    schema: { type: "integer", minimum: 0, maximum: slotWaitMsMax },
  },
  "x-penstock-clamp": {
    description: "`true`: rather than refuse the call, lower `max_tokens` to what the quota still allows.",
    schema: { type: "string", enum: ["true", "false"] },
  },
};

/** On every answer. */
export const everyHeaders: Readonly<Record<string, HeaderFact>> = {
  "x-request-id": { description: "The id of the request, for questions about it.", schema: text },
};

/** On refusals, where they apply. */
export const refusalHeaders: Readonly<Record<string, HeaderFact>> = {
  "retry-after": { description: "After how many seconds it is worth trying again.", schema: number },
  "retry-after-ms": { description: "The same in milliseconds.", schema: number },
  "x-should-retry": {
    description: "`false` where trying again cannot help.",
    schema: { type: "string", enum: ["true", "false"] },
  },
};

const windows = {
  limit: "How many %s the nearest limit allows.",
  remaining: "How many %s of it are left.",
  reset: "In what time all of it is free again, as `1.5s` or `6m0s`.",
};

/** On answers to calls of models, and on what is refused for a limit. */
export const limitHeaders: Readonly<Record<string, HeaderFact>> = Object.fromEntries(
  Object.entries(windows).flatMap(([what, description]) =>
    ["requests", "tokens"].map((unit): [string, HeaderFact] => [
      `x-ratelimit-${what}-${unit}`,
      { description: description.replace("%s", unit), schema: what === "reset" ? text : number },
    ]),
  ),
);

/** On answers of `/v1/messages`, and to whoever speaks Anthropic's protocol, beside the others. */
export const messagesHeaders: Readonly<Record<string, HeaderFact>> = {
  "request-id": { description: "The same as `x-request-id`.", schema: text },
  ...Object.fromEntries(
    Object.keys(windows).flatMap((what) =>
      ["requests", "tokens"].map((unit): [string, HeaderFact] => [
        `anthropic-ratelimit-${unit}-${what}`,
        what === "reset"
          ? { description: "When all of it is free again (RFC 3339).", schema: { ...text, format: "date-time" } }
          : { description: `The same as \`x-ratelimit-${what}-${unit}\`.`, schema: number },
      ]),
    ),
  ),
};

/** On answers to calls of models. */
export const servedHeaders: Readonly<Record<string, HeaderFact>> = {
  "openai-processing-ms": { description: "How long the call took up to its first byte.", schema: number },
  "x-penstock-tier": { description: "The tier of nodes that the call was billed for, and served by.", schema: text },
  "x-penstock-ignored": {
    description:
      "Members of the body that nobody here knows, and that were not forwarded; absent where there are none.",
    schema: text,
  },
  "x-penstock-hold": { description: "The id under which the call stands on the bill.", schema: text },
  ...limitHeaders,
};
