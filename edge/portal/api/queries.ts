import { QueryClient, useMutation, useQuery, useQueryClient } from "@tanstack/vue-query";
import { computed, type ComputedRef } from "vue";
import { useToast } from "@nuxt/ui/composables";
import { api, ApiFailure, ask } from "./client.ts";
import { currentOrg, session } from "./session.ts";

const triesMax = 2;

/** The cache of answers. What was refused is not asked again; what did not arrive is, twice. */
export const answers = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 5_000,
      retry: (tries, failure) =>
        tries < triesMax && (!(failure instanceof ApiFailure) || failure.status === 0 || failure.status >= 502),
    },
  },
});

/** What to ask again by, and how often by itself. */
export interface OrgQueryOptions {
  parts?: ComputedRef<readonly unknown[]>;
  everyMs?: number;
  isWanted?: ComputedRef<boolean>;
}

/** Asks about the org that is shown, and again when another is; the answer is kept under `name` and `parts`. */
export function useOrgQuery<Answer>(
  name: string,
  read: (org: string) => Promise<Answer>,
  { parts, everyMs, isWanted }: OrgQueryOptions = {},
) {
  const org = computed(() => currentOrg.value?.id ?? "");
  return useQuery<Answer>({
    queryKey: computed(() => [name, org.value, ...(parts?.value ?? [])]),
    queryFn: () => read(org.value),
    enabled: computed(() => org.value !== "" && !session.isExpired && (isWanted?.value ?? true)),
    // What was shown of this org stays until the next answer is there; of another org nothing does.
    placeholderData: (before, query) => (query?.queryKey[1] === org.value ? before : undefined),
    ...(everyMs !== undefined && { refetchInterval: everyMs }),
  });
}

/** The models that are served, and the currency that all money is in. */
export function useModels() {
  return useQuery({ queryKey: ["models"], queryFn: () => ask(api.GET("/control/models", {})), staleTime: 300_000 });
}

/** The currency of the deployment; USD until it is known. */
export function useCurrency(): ComputedRef<string> {
  const { data } = useModels();
  return computed(() => data.value?.currency ?? "USD");
}

/**
 * A change: when it took place what it touches is asked again and `done` is said; when it did not, the reason is said
 * with its request id, unless the caller shows it (`isShown`).
 */
export function useChange<Input, Answer>(
  change: (input: Input) => Promise<Answer>,
  { touches, done, isShown = false }: { touches: readonly string[]; done?: string; isShown?: boolean },
) {
  const client = useQueryClient();
  const toast = useToast();
  return useMutation({
    mutationFn: change,
    onSuccess: async () => {
      if (done !== undefined) toast.add({ title: done, color: "success", icon: "i-lucide-check" });
      await Promise.all(touches.map((name) => client.invalidateQueries({ queryKey: [name] })));
    },
    onError: (failure) => {
      if (isShown) return;
      const requestId = failure instanceof ApiFailure ? failure.requestId : null;
      const description = requestId === null ? failure.message : `${failure.message} (${requestId})`;
      toast.add({ title: "", description, color: "error", icon: "i-lucide-circle-alert" });
    },
  });
}
