import { z } from "@hono/zod-openapi";
import { Refusal } from "../../errors.ts";

/** A moment in OpenAI's answers: Unix seconds. */
export const Seconds = z.int();

/** Unix ms as OpenAI's answers have them. */
export const toSeconds = (ms: number): number => Math.floor(ms / 1_000);

/** As `toSeconds`, for moments that may not be set. */
export const toSecondsOrNull = (ms: number | null): number | null => (ms === null ? null : toSeconds(ms));

const expirySecondsMax = 10 * 366 * 86_400;

/** In how many seconds something ends; `null` is never. */
export const ExpiresIn = z.int().min(1).max(expirySecondsMax).nullish();

/** The moment at which something ends that ends in so many seconds, in Unix ms; `undefined` where it is not said. */
export function readExpiry(seconds: number | null | undefined, nowMs: number): number | null | undefined {
  return typeof seconds === "number" ? nowMs + seconds * 1_000 : seconds;
}

/** A hundredth of the currency, in millionths. */
const centMicros = 10_000;

/** An amount in OpenAI's bodies: whole hundredths of the currency. */
export const Cents = z
  .int()
  .min(1)
  .max(Math.floor(Number.MAX_SAFE_INTEGER / centMicros))
  .openapi({ description: "In hundredths of the currency." });

/** Hundredths of the currency in millionths. */
export const toMicros = (cents: number): number => cents * centMicros;

/** Millionths of the currency in hundredths, exactly. */
export const toCents = (micros: number): number => micros / centMicros;

/** The currency that a body names. */
export const CurrencyName = z.string().openapi({ description: "ISO 4217, the gateway's own: nothing is converted." });

/** Refuses amounts in another currency than the gateway's, since nothing is converted. */
export function refuseCurrency(given: string, ours: string): void {
  if (given === ours) return;
  throw new Refusal("invalid_value", { param: "currency", message: `currency: Amounts are in ${ours} here.` });
}

/** A field that a body may name, but for nothing else than `null`: OpenAI has what we do not. */
export const Nothing = z.null().optional();

/** What the answer to a deletion is. */
export function describeDeleted<Name extends string>(object: Name, name: string) {
  return z.strictObject({ object: z.literal(object), id: z.string(), deleted: z.literal(true) }).openapi(name);
}
