import { clockSkewMs, macTokenTtlMs } from "../../limits.ts";
import type { HmacKey } from "../hmac.ts";
import { isSameText } from "./key-format.ts";

/** Keys for HMAC-SHA-256 by kid, one or two: the first makes tokens, each verifies them. */
export type MacKeys = ReadonlyMap<string, HmacKey>;

/**
 * A token between edge and node is one line: its kind, the key's kid, fields, and over all before it the MAC, joined by
 * colons. No field may have a colon in it, so a line is read in one way only.
 *
 *     node1:n1:node_a:1790000000000:<digest of the body>:<MAC>
 *
 * An HMAC costs a tenth of an Ed25519 signature, and no JSON is written or parsed (docs/decisions/0015).
 */
const separator = ":";
/** 32 bytes in base64url. */
const macChars = 43;

/** A kid begins with a letter: an object's members whose names are numbers do not keep their order. */
export const macKidForm = /^[a-z][a-z0-9-]{0,15}$/;

/** What a field may look like, for `buildForm`. None lets a colon in. */
export const fieldForms = {
  node: "node_[a-z0-9-]{1,40}",
  digest: "[\\w-]{43}",
  /** A whole number from 0 up, at most 16 digits: the reader checks that it is a safe integer. */
  count: "0|[1-9]\\d{0,15}",
} as const;

/** The form of a kind of token: its fields in their order, each by name. */
export function buildForm(kind: string, fields: Readonly<Record<string, string>>, more = ""): RegExp {
  const parts = Object.entries(fields).map(([name, form]) => `(?<${name}>${form})`);
  const kid = `(?<kid>[a-z][a-z0-9-]{0,15})`;
  return new RegExp(`^${[kind, kid, ...parts].join(separator)}${more}${separator}[\\w-]{${macChars}}$`);
}

/** Makes a token under the first key. Its fields are in the order of its form, and checked by whoever reads it. */
export function makeMacToken(kind: string, fields: readonly (string | number)[], keys: MacKeys): string {
  for (const [kid, key] of keys) {
    const signed = `${kind}${separator}${kid}${separator}${fields.join(separator)}`;
    return signed + separator + key.sign(signed);
  }
  throw new TypeError("no key is given");
}

/**
 * The fields of a token that is of this form and was made under one of the keys; null for anything else, whatever is
 * wrong with it. It promises nothing about node, time and body: the reader checks those.
 */
export function verifyMacToken(form: RegExp, token: string, keys: MacKeys): Record<string, string> | null {
  const groups = form.exec(token)?.groups;
  const key = keys.get(groups?.["kid"] ?? "");
  if (!groups || !key) return null;
  const signed = token.slice(0, -(macChars + separator.length));
  return isSameText(key.sign(signed), token.slice(-macChars)) ? groups : null;
}

/** What is wrong with a token's age: it is good for a minute, by clocks that are up to 30 s apart. */
export function findAgeFault(issuedAtMs: number, nowMs: number): "expired" | "future" | null {
  if (issuedAtMs + macTokenTtlMs <= nowMs - clockSkewMs) return "expired";
  return issuedAtMs > nowMs + clockSkewMs ? "future" : null;
}
