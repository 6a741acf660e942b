import { computed, reactive, ref } from "vue";
import { findReach, listActions, type Action, type Reach } from "../../control/permissions.ts";
import { api, ask, credentials, type Shown } from "./client.ts";

interface SignedInPerson {
  id: string;
  kind: "key" | "member";
  name: string;
  email: string | null;
  isOperator: boolean;
  orgs: Shown<"ReachedOrg">[];
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
export const currentOrg = computed(() => {
  const orgs = session.who?.orgs ?? [];
  return orgs.find(({ id }) => id === chosen.value) ?? orgs[0] ?? null;
});

/** The id of the org that the pages show, for a path; empty while there is none. */
export function readOrgId(): string {
  return currentOrg.value?.id ?? "";
}

/** Shows another org from now on; one that is not reached is left alone. */
export function chooseOrg(id: string): void {
  if (!session.who?.orgs.some((org) => org.id === id)) return;
  chosen.value = id;
  localStorage.setItem(storedOrg, id);
}

/** May whoever is signed in do this, in the org that is shown? What they may not is not offered. */
export function may(action: Action | null): boolean {
  if (action === null) return true;
  if (!session.who) return false;
  const own = session.who.kind === "member" ? listActions(["person"]) : [];
  return own.includes(action) || (currentOrg.value?.actions.includes(action) ?? false);
}

/** How far they reach with an action in the org that is shown: over all that it has, or over what is their own. */
export function readReach(action: Action): Reach | null {
  if (!may(action) || !currentOrg.value) return null;
  return findReach(action, session.who?.isOperator ? [currentOrg.value.role, "operator"] : [currentOrg.value.role]);
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

/** Asks again who is signed in and what they may do where: after a change of that. */
export async function readWho(): Promise<void> {
  const { principal, orgs, isOperator } = await ask(api.GET("/control/whoami", {}));
  session.who = { ...principal, isOperator, orgs: isOperator ? await listAllOrgs(orgs) : orgs };
  session.isExpired = false;
}

/** An operator reaches every org; the newest thousand are offered, the rest by their address. */
async function listAllOrgs(own: Shown<"ReachedOrg">[]): Promise<Shown<"ReachedOrg">[]> {
  const { orgs } = await ask(api.GET("/control/orgs", { params: { query: { limit: 1_000 } } }));
  const actions = listActions(["operator"]);
  const others = orgs.filter(({ id }) => !own.some((org) => org.id === id));
  return [...own, ...others.map((org) => ({ ...org, role: "operator" as const, actions, requiresLogin: false }))];
}
