import { actions, memberRoles, permissions, type Reach } from "../../control/permissions.ts";

/** The roles of an org, from the one that may most. */
export function listRoles(): readonly (typeof memberRoles)[number][] {
  return memberRoles;
}

/** What each role may do, action by action, as the gateway itself decides by; operators' own actions are left out. */
export function tabulateRoles(): { action: string; reaches: (Reach | null)[] }[] {
  return actions
    .map((action) => ({ action, reaches: memberRoles.map((role) => permissions[action][role] ?? null) }))
    .filter(({ reaches }) => reaches.some((reach) => reach !== null));
}
