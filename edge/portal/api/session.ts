import { computed, reactive, ref } from "vue";
import { listActions } from "../../control/permissions.ts";
import { api, ask, credentials } from "./client.ts";

/** An org that whoever is signed in may see, and what they may do in it; `null` for actions is everything. */
export interface ReachedOrg {
  id: string;
  name: string;
  role: string;
  actions: readonly string[] | null;
}

interface SignedInPerson {
  id: string;
  kind: string;
  name: string;
  email: string | null;
  isOperator: boolean;
  hasSecondFactor: boolean;
  orgs: ReachedOrg[];
}

/** Who is signed in. `isExpired`: they were, and what they have typed is kept until they are again. */
export const session = reactive<{ who: SignedInPerson | null; isKnown: boolean; isExpired: boolean }>({
  who: null,
  isKnown: false,
  isExpired: false,
});

const storedKey = "penstock.key";
const storedOrg = "penstock.org";
const chosen = ref(localStorage.getItem(storedOrg) ?? "");

/** The org that the pages show. */
export const currentOrg = computed<ReachedOrg | null>(() => {
  const orgs = session.who?.orgs ?? [];
  return orgs.find(({ id }) => id === chosen.value) ?? orgs[0] ?? null;
});

/** Shows another org from now on; one that is not reached is left alone. */
export function chooseOrg(id: string): void {
  if (!session.who?.orgs.some((org) => org.id === id)) return;
  chosen.value = id;
  localStorage.setItem(storedOrg, id);
}

/** May whoever is signed in do this, in the org that is shown? What they may not is not offered. */
export function may(action: string | null): boolean {
  if (action === null) return true;
  if (!session.who) return false;
  const org = currentOrg.value;
  if (!org) return action === "orgs.create" || action === "session.read";
  return org.actions === null || org.actions.includes(action);
}

/** Asks who is signed in, by the cookie or by the key that this tab was given; nobody is no failure. */
export async function restoreSession(): Promise<void> {
  credentials.adminKey = sessionStorage.getItem(storedKey);
  credentials.onRefused = () => {
    if (session.who) session.isExpired = true;
  };
  await readWho().catch(() => (credentials.adminKey = null));
  session.isKnown = true;
}

/**
 * Signs in with an admin key, which this tab alone keeps, until it is closed. Refused as the API refuses the key; then
 * whoever was signed in still is.
 */
export async function signInWithKey(key: string): Promise<void> {
  const before = credentials.adminKey;
  credentials.adminKey = key.trim();
  try {
    await readWho();
    sessionStorage.setItem(storedKey, key.trim());
  } catch (failure) {
    credentials.adminKey = before;
    throw failure;
  }
}

/** Takes over a session that the sign-in routes have just opened by cookie. */
export async function enterSession(): Promise<void> {
  credentials.adminKey = null;
  sessionStorage.removeItem(storedKey);
  await readWho();
}

/** Ends the session here and, where there is one, at the gateway. */
export async function signOut(): Promise<void> {
  const hasCookie = credentials.adminKey === null;
  credentials.adminKey = null;
  sessionStorage.removeItem(storedKey);
  if (hasCookie) await ask(api.POST("/auth/sign-out", { body: {} })).catch(() => undefined);
  session.who = null;
  session.isExpired = false;
}

async function readWho(): Promise<void> {
  const answer: unknown = await ask(api.GET("/control/whoami", {}));
  const who = readSigned(answer);
  if (who.isOperator) who.orgs = await listAllOrgs(who.orgs);
  session.who = who;
  session.isExpired = false;
}

/** An operator reaches every org; the newest thousand are offered, the rest by their address. */
async function listAllOrgs(own: ReachedOrg[]): Promise<ReachedOrg[]> {
  const { orgs } = await ask(api.GET("/control/orgs", { params: { query: { limit: 1_000 } } }));
  const others = orgs.map(({ id, name }) => ({ id, name, role: "operator", actions: null }));
  return others.length > 0 ? others : own;
}

function readSigned(answer: unknown): SignedInPerson {
  const { principal, orgs, isOperator, mfa, key, org } = asRecord(answer);
  if (principal !== undefined) {
    const who = asRecord(principal);
    return {
      id: asText(who["id"]),
      kind: asText(who["kind"]),
      name: asText(who["name"]),
      email: asText(who["email"]) || null,
      isOperator: isOperator === true,
      hasSecondFactor: asRecord(mfa)["enabled"] === true,
      orgs: Array.isArray(orgs) ? orgs.map(readOrg) : [],
    };
  }
  const isHouse = asRecord(key)["role"] === "operator";
  return {
    id: asText(asRecord(key)["id"]),
    kind: "key",
    name: asText(asRecord(key)["name"]),
    email: null,
    isOperator: isHouse,
    hasSecondFactor: false,
    orgs: [{ ...readOrg(org), role: "admin", actions: isHouse ? null : listActions(["admin"]) }],
  };
}

function readOrg(value: unknown): ReachedOrg {
  const { id, name, role, actions } = asRecord(value);
  const named = Array.isArray(actions) ? actions.map(String) : [];
  return { id: asText(id), name: asText(name), role: asText(role), actions: named };
}

function asRecord(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null ? { ...value } : {};
}

function asText(value: unknown): string {
  return typeof value === "string" ? value : "";
}
