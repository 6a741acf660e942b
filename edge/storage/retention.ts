import { mintOrgKey, rewrapOrgKey, type MasterKeys } from "./sealing.ts";
import type { RetentionSwitch, StorageControl } from "./port.ts";

/** What storage is switched on and off with. Without master keys it can only be switched off. */
export interface RetentionTerms {
  control: StorageControl;
  masters: MasterKeys | null;
  now(): number;
  random(bytes: number): Uint8Array;
}

/** Opens the switch of a deployment's storage. */
export function openRetentionSwitch({ control, masters, now, random }: RetentionTerms): RetentionSwitch {
  return {
    isPossible: masters !== null,
    async set(org, hours) {
      if (hours === null) return control.switchOff(org);
      if (!masters) throw new TypeError("there is no master key");
      await control.switchOn(org, hours, await mintOrgKey(org, masters, random), now());
    },
  };
}

/** What the cron does about storage: deletes what is not there any more, and seals keys under the first master key. */
export async function tendStorage({ control, masters, now, random }: RetentionTerms): Promise<void> {
  await control.sweep(now());
  if (!masters) return;
  for (const key of await control.listOtherKeys(masters.first))
    await control.rewrap(await rewrapOrgKey(key, masters, random));
}
