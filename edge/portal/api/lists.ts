import { computed, type Ref } from "vue";
import { api, ask } from "./client.ts";
import { useOrgQuery } from "./queries.ts";
import { may } from "./session.ts";

/** As many as an answer has at most; no org's people, projects or keys in force are more. */
const query = { limit: 1_000 };

/** Whether it is asked at all, beside what whoever is signed in may, and how often by itself. */
interface ListOptions {
  isWanted?: Ref<boolean>;
  everyMs?: number;
}

/** The keys of the org that is shown, those out of force too. */
export function useKeys({ isWanted, everyMs }: ListOptions = {}) {
  return useOrgQuery("keys", (org) => ask(api.GET("/control/orgs/{org}/keys", { params: { path: { org }, query } })), {
    isWanted: computed(() => may("keys.read") && (isWanted?.value ?? true)),
    ...(everyMs !== undefined && { everyMs }),
  });
}

/** Its members. */
export function useMembers({ isWanted }: ListOptions = {}) {
  return useOrgQuery(
    "members",
    (org) => ask(api.GET("/control/orgs/{org}/members", { params: { path: { org }, query } })),
    { isWanted: computed(() => may("members.read") && (isWanted?.value ?? true)) },
  );
}

/** Its service accounts. */
export function useServiceAccounts() {
  return useOrgQuery(
    "service-accounts",
    (org) => ask(api.GET("/control/orgs/{org}/service-accounts", { params: { path: { org }, query } })),
    { isWanted: computed(() => may("serviceAccounts.read")) },
  );
}

/** Its projects, the archived ones too. */
export function useProjects() {
  return useOrgQuery(
    "projects",
    (org) => ask(api.GET("/control/orgs/{org}/projects", { params: { path: { org }, query } })),
    { isWanted: computed(() => may("projects.read")) },
  );
}
