import { api, ask, type Shown } from "./client.ts";
import { useChange } from "./queries.ts";
import { readWho } from "./session.ts";

/** A change of the org that is shown; the shell, which tells its name and whether it is suspended, hears of it. */
export function useOrgChange(options: { done?: string; isShown?: boolean } = {}) {
  return useChange(
    async ({ id, ...body }: { id: string } & Shown<"OrgChange">) => {
      const changed = await ask(api.PATCH("/control/orgs/{org}", { params: { path: { org: id } }, body }));
      await readWho();
      return changed;
    },
    { touches: ["org", "orgs", "ledger"], ...options },
  );
}
