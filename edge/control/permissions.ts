/** What a member can be in an org. */
export const memberRoles = ["owner", "admin", "developer", "billing", "viewer"] as const;
/** A member's role in an org. */
export type MemberRole = (typeof memberRoles)[number];
/** Every column of the table: `operator` is so in every org, `person` is who is signed in where no org is meant. */
export const roles = [...memberRoles, "operator", "person"] as const;
/** What somebody is to whoever asks what they may do. */
export type Role = (typeof roles)[number];

/** How far a permission goes: over all that its org has, or over what the member made. */
export type Reach = "all" | "own";

const everyone = {
  owner: "all",
  admin: "all",
  developer: "all",
  billing: "all",
  viewer: "all",
  operator: "all",
} as const;
const inCharge = { owner: "all", admin: "all", operator: "all" } as const;
const operators = { operator: "all" } as const;
const anyone = { ...everyone, person: "all" } as const;

/**
 * Who may do what: the one table of actions and roles (S14). Each endpoint of the control API names its action; its
 * answers, the API's document, the portal and a test follow from here. A role that a row leaves out may not. An admin
 * key has the role `admin`, an operator's key `operator`.
 */
const table = {
  "session.read": anyone,
  "models.read": anyone,
  "orgs.list": anyone,
  "orgs.create": { person: "all", operator: "all" },
  "invitations.accept": { person: "all" },
  "org.read": everyone,
  "org.change": inCharge,
  "org.close": { owner: "all", operator: "all" },
  "limits.read": everyone,
  "members.read": everyone,
  "members.write": inCharge,
  "members.owner": { owner: "all", operator: "all" },
  "members.leave": { owner: "own", admin: "own", developer: "own", billing: "own", viewer: "own" },
  "companyLogin.read": inCharge,
  "companyLogin.write": inCharge,
  "companyLogin.approve": operators,
  "projects.read": everyone,
  "projects.write": inCharge,
  "keys.read": { ...inCharge, developer: "own", viewer: "all" },
  "keys.write": { ...inCharge, developer: "own" },
  "serviceAccounts.read": { ...inCharge, developer: "all", viewer: "all" },
  "serviceAccounts.write": inCharge,
  "usage.read": { ...everyone, developer: "own" },
  "costs.read": { ...inCharge, billing: "all" },
  "budgets.read": { ...inCharge, billing: "all" },
  "budgets.write": { ...inCharge, billing: "all" },
  "audit.read": inCharge,
  "webhooks.read": inCharge,
  "webhooks.write": inCharge,
  "playground.use": { owner: "all", admin: "all", developer: "own" },
  "plan.write": operators,
  "prices.write": operators,
  "nodes.read": operators,
  "operators.write": operators,
} as const satisfies Record<string, Partial<Record<Role, Reach>>>;

/** An action of the control API. */
export type Action = keyof typeof table;

/** The table, for whoever derives from it. */
export const permissions: Readonly<Record<Action, Partial<Record<Role, Reach>>>> = table;

/** Every action, in the table's order. */
export const actions = Object.keys(table).filter(isAction);

/** How far one of these roles reaches with an action: the furthest; `null` when none may. */
export function findReach(action: Action, held: readonly Role[]): Reach | null {
  const reaches = held.map((role) => permissions[action][role]);
  return reaches.find((reach) => reach === "all") ?? reaches.find((reach) => reach === "own") ?? null;
}

/** What somebody with these roles may do. */
export function listActions(held: readonly Role[]): Action[] {
  return actions.filter((action) => findReach(action, held) !== null);
}

/** Who reaches every key of an org may be given admin keys; who no longer does must have none. */
export function isInCharge(role: MemberRole): boolean {
  return findReach("keys.write", [role]) === "all";
}

function isAction(name: string): name is Action {
  return Object.hasOwn(table, name);
}
