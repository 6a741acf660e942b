import type { Shown } from "../../api/client.ts";
import { setLimits, readLimits, writeLimits } from "./windows.ts";

/** A key as the API shows it. */
export type KeyView = Shown<"Key">;

/** What a form has where it is to be nobody, or no project. */
export const none = "none";

/** What the form for a key holds, as text; networks are one a line, an owner and a project that it does not set "". */
export interface KeyFormText {
  kind: KeyView["kind"];
  name: string;
  endpoints: NonNullable<KeyView["endpoints"]>;
  models: string[];
  ipCidrs: string;
  limits: Record<string, string>;
  expiresAt: string;
  owner: string;
  project: string;
}

/** The fields that say for themselves why the API refused them. */
export const keyFields = ["name", "owner", "project", "expiresAt", "models", "endpoints", "ipCidrs", "limits"];

/** The form of a key that exists, or of one that is to be. */
export function draftKey(key: KeyView | null): KeyFormText {
  return {
    kind: key?.kind ?? "inference",
    name: key?.name ?? "",
    endpoints: [...(key?.endpoints ?? [])],
    models: [...(key?.models ?? [])],
    ipCidrs: (key?.ipCidrs ?? []).join("\n"),
    limits: writeLimits(key?.limits ?? null),
    expiresAt: key?.expiresAt ? toLocalInput(Date.parse(key.expiresAt)) : "",
    owner: key?.owner ?? "",
    project: key?.project ?? "",
  };
}

/** What a form sets of a new key, or changes of one that is known; scopes are of keys for calls alone. */
export function writeKey(draft: KeyFormText, known: KeyView | null) {
  const { kind, name, endpoints, models, ipCidrs, limits, expiresAt, owner, project } = draft;
  const scopes = {
    endpoints: endpoints.length === 0 ? null : endpoints,
    models: models.length === 0 ? null : models,
    ipCidrs: readNetworks(ipCidrs),
    limits: known ? setLimits(limits) : readLimits(limits),
  };
  return {
    name,
    expiresAt: expiresAt === "" ? null : new Date(expiresAt).toISOString(),
    ...(kind === "inference" && scopes),
    ...(owner !== (known?.owner ?? "") && { owner: owner === none ? null : owner }),
    ...(project !== (known?.project ?? "") && { project: project === none ? null : project }),
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

/** Keys in force that are somebody's: what ends with them unless it is handed over. */
export function listOwned(keys: readonly KeyView[], owner: string): KeyView[] {
  return keys.filter((key) => key.owner === owner && key.state === "active");
}
