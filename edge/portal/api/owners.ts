import { computed, ref, watch } from "vue";
import { listOwned, none } from "../model/forms/keys.ts";
import { api, ask } from "./client.ts";
import { useKeys } from "./lists.ts";
import { readOrgId } from "./session.ts";

/**
 * The keys in force that would end with their owner, and `handOver`, which gives them to the `heir` that was chosen,
 * one after the other: what is refused stops it, and repeating goes on where it stopped.
 */
export function useHandOver(owner: () => string | null) {
  const all = useKeys({ isWanted: computed(() => owner() !== null) });
  const heir = ref(none);
  const keys = computed(() => listOwned(all.data.value?.keys ?? [], owner() ?? ""));
  watch(owner, () => (heir.value = none));
  async function handOver(): Promise<void> {
    if (heir.value === none) return;
    for (const { id } of keys.value) {
      const params = { path: { org: readOrgId(), key: id } };
      await ask(api.PATCH("/control/orgs/{org}/keys/{key}", { params, body: { owner: heir.value } }));
    }
  }
  return { keys, heir, handOver };
}
