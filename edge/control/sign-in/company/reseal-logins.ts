import type { MasterKeys } from "../../../agreements/sealing.ts";
import { openLoginSecret, sealLoginSecret } from "../../company-login/login.ts";
import { resealLogin, selectOtherLogins } from "../../company-login/queries.ts";
import type { Database } from "../../http/store.ts";

const resealMax = 100;

/**
 * Seals the secrets of company logins under the first master key: a chore of each minute. One that no key opens stays
 * as it is, and keeps no other from being sealed anew.
 */
export async function resealLogins(
  db: Database,
  masters: MasterKeys,
  random: (bytes: number) => Uint8Array,
): Promise<void> {
  for (const row of await selectOtherLogins(db, masters.first, resealMax)) {
    const secret = await openLoginSecret(masters, row).catch(() => null);
    if (secret !== null) await resealLogin(db, row, await sealLoginSecret(masters, row.id, secret, random));
  }
}
