import { z } from "zod";
import { readCidr } from "../ip.ts";
import { isSecret } from "../tokens/key-format.ts";

/** A schema for text that holds JSON of a given shape. Errors name the field, never the value: it may be a secret. */
export const createJsonSchema = <T extends z.ZodType>(schema: T) =>
  z
    .string({ error: "is not set" })
    .transform((text, context): unknown => {
      try {
        return JSON.parse(text);
      } catch {
        context.addIssue({ code: "custom", message: "is not JSON" });
        return z.NEVER;
      }
    })
    .pipe(schema);

/** Secrets by their kids: one, or two while one is being replaced. */
export const Secrets = z
  .record(
    z.string().regex(/^[a-z0-9-]{1,16}$/, "has a kid that is not of 1 to 16 small letters and digits"),
    z.string().refine(isSecret, "must be base64url of at least 32 bytes"),
  )
  .refine(
    (secrets) => Object.keys(secrets).length >= 1 && Object.keys(secrets).length <= 2,
    "must hold one or two secrets",
  );

/** Comma-separated networks, read as ranges; empty text gives none. */
export const Cidrs = z.string().transform((text, context) => {
  const networks = text
    .split(",")
    .map((network) => network.trim())
    .filter(Boolean);
  const ranges = networks.map(readCidr).filter((range) => range !== null);
  if (ranges.length === networks.length) return ranges;
  context.addIssue({
    code: "custom",
    message: "holds what is neither an address nor a network such as 203.0.113.0/24 or 2001:db8::/32",
  });
  return z.NEVER;
});
