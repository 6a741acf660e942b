import type { components } from "#portal-types/open-api.d.ts";

/** A key as the API shows it. */
export type KeyView = components["schemas"]["Key"];

/** What the form for a key holds, as text; lists are one item a line. */
export interface KeyFormText {
  name: string;
  endpoints: string[];
  models: string[];
  ipCidrs: string;
  limits: Record<string, string>;
  expiresAt: string;
}

/** The form of a key that exists, or of one that is to be. */
export function draftKey(key: KeyView | null, writeLimit: (name: string, value: number) => string): KeyFormText {
  const limits = Object.entries(key?.limits ?? {}).flatMap(([name, value]) =>
    typeof value === "number" ? [[name, writeLimit(name, value)] as const] : [],
  );
  return {
    name: key?.name ?? "",
    endpoints: [...(key?.endpoints ?? [])],
    models: [...(key?.models ?? [])],
    ipCidrs: (key?.ipCidrs ?? []).join("\n"),
    limits: Object.fromEntries(limits),
    expiresAt: key?.expiresAt ? toLocalInput(Date.parse(key.expiresAt)) : "",
  };
}

/** Networks that somebody wrote, by lines, commas or blanks; null when none. */
export function readNetworks(text: string): string[] | null {
  const networks = text.split(/[\s,]+/).filter(Boolean);
  return networks.length === 0 ? null : networks;
}

/** A moment as an input of the kind `datetime-local` wants it: in the reader's zone, to the minute. */
export function toLocalInput(atMs: number): string {
  const local = new Date(atMs - new Date(atMs).getTimezoneOffset() * 60_000);
  return local.toISOString().slice(0, 16);
}

/** The key that replaces this one, when it was rotated. */
export function findSuccessor(keys: readonly KeyView[], id: string): KeyView | null {
  return keys.find(({ replaces }) => replaces === id) ?? null;
}
