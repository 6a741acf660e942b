import { computed, type ComputedRef } from "vue";
import { useKeys, useMembers, useProjects, useServiceAccounts } from "./lists.ts";

interface Names {
  /** The name of a person, a service account, a project or a key; its id where that is all there is; "" for none. */
  tell(id: string | null): string;
}

/** What the members, service accounts, projects and keys of the org that is shown are called; of others, their ids. */
export function useNames(): ComputedRef<Names> {
  const members = useMembers();
  const accounts = useServiceAccounts();
  const projects = useProjects();
  const keys = useKeys();
  return computed(() => {
    const named = [
      ...(accounts.data.value?.serviceAccounts ?? []),
      ...(projects.data.value?.projects ?? []),
      ...(keys.data.value?.keys ?? []),
    ];
    const names = new Map([
      ...(members.data.value?.members ?? []).map(({ user, name, email }) => [user, name || email] as const),
      ...named.map(({ id, name }) => [id, name] as const),
    ]);
    return { tell: (id) => (id === null ? "" : (names.get(id) ?? id)) };
  });
}

/** An owner or a project as a form offers it. */
export interface Choice {
  label: string;
  value: string;
}

/** Who may own keys of the org that is shown: its members and service accounts; `but` is left out. */
export function useOwners(but: () => string | null = () => null): ComputedRef<Choice[]> {
  const members = useMembers();
  const accounts = useServiceAccounts();
  return computed(() =>
    [
      ...(members.data.value?.members ?? []).map(({ user, name, email }) => ({ label: name || email, value: user })),
      ...(accounts.data.value?.serviceAccounts ?? []).map(({ id, name }) => ({ label: name, value: id })),
    ].filter(({ value }) => value !== but()),
  );
}
