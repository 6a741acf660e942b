import { computed, type ComputedRef } from "vue";
import { api, ask } from "./client.ts";
import { useOrgQuery } from "./queries.ts";
import { may } from "./session.ts";

interface Names {
  /** The name of a person, a service account or a project; its id where that is all there is; "" for none. */
  tell(id: string | null): string;
}

/** What the members, service accounts and projects of the org that is shown are called; of others, their ids. */
export function useNames(): ComputedRef<Names> {
  const query = { limit: 1_000 };
  const members = useOrgQuery(
    "members",
    (org) => ask(api.GET("/control/orgs/{org}/members", { params: { path: { org }, query } })),
    { isWanted: computed(() => may("members.read")) },
  );
  const accounts = useOrgQuery(
    "service-accounts",
    (org) => ask(api.GET("/control/orgs/{org}/service-accounts", { params: { path: { org }, query } })),
    { isWanted: computed(() => may("serviceAccounts.read")) },
  );
  const projects = useOrgQuery(
    "projects",
    (org) => ask(api.GET("/control/orgs/{org}/projects", { params: { path: { org }, query } })),
    { isWanted: computed(() => may("projects.read")) },
  );
  return computed(() => {
    const people = members.data.value?.members ?? [];
    const named = [...(accounts.data.value?.serviceAccounts ?? []), ...(projects.data.value?.projects ?? [])];
    const names = new Map([
      ...people.map(({ user, name, email }) => [user, name || email] as const),
      ...named.map(({ id, name }) => [id, name] as const),
    ]);
    return { tell: (id) => (id === null ? "" : (names.get(id) ?? id)) };
  });
}
