import { QueryClient, useMutation, useQuery, useQueryClient } from "@tanstack/vue-query";
import { computed, type ComputedRef, type Ref } from "vue";
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
export interface OrgQueryOptions<Answer> {
  parts?: ComputedRef<readonly unknown[]>;
  everyMs?: number | ((answer: Answer | undefined) => number | false);
  isWanted?: ComputedRef<boolean>;
}

/** Asks about the org that is shown, and again when another is; the answer is kept under `name` and `parts`. */
export function useOrgQuery<Answer>(
  name: string,
  read: (org: string) => Promise<Answer>,
  { parts, everyMs, isWanted }: OrgQueryOptions<Answer> = {},
) {
  const org = computed(() => currentOrg.value?.id ?? "");
  return useQuery<Answer>({
    queryKey: computed(() => [name, org.value, ...(parts?.value ?? [])]),
    queryFn: () => read(org.value),
    enabled: computed(() => org.value !== "" && !session.isExpired && (isWanted?.value ?? true)),
    // What was shown of this org stays until the next answer is there; of another org nothing does.
    placeholderData: (before, query) => (query?.queryKey[1] === org.value ? before : undefined),
    refetchInterval: ({ state }) => (typeof everyMs === "function" ? everyMs(state.data) : (everyMs ?? false)),
  });
}

/** The models that are served, and the currency that all money is in. */
export function useModels() {
  return useQuery({ queryKey: ["models"], queryFn: () => ask(api.GET("/control/models", {})), staleTime: 300_000 });
}

/** A model that chats, by which calls are shown as they are pasted. */
export function useChatModel(): ComputedRef<string> {
  const { data } = useModels();
  return computed(
    () => data.value?.models.find(({ endpoints }) => endpoints.includes("chat.completions"))?.id ?? "chat",
  );
}

/** The currency of the deployment; USD until it is known. */
export function useCurrency(): ComputedRef<string> {
  const { data } = useModels();
  return computed(() => data.value?.currency ?? "USD");
}

/** Has a query an answer, or a reason why there is none? What stands below it comes then, and is not pushed down. */
export function isAnswered(query: { data: Ref<unknown>; error: Ref<Error | null> }): boolean {
  return query.data.value !== undefined || query.error.value !== null;
}

/** A change that can be made: what came of it, and how it stands. */
export interface PortalChange<Input, Answer> {
  /** Makes it; its answer, or null when it was refused. */
  run(input: Input): Promise<Answer | null>;
  data: Ref<Answer | undefined>;
  error: Ref<Error | null>;
  isPending: Ref<boolean>;
  /** Forgets what came of it. */
  reset(): void;
}

/**
 * A change: when it took place what it touches is asked again and `done` is said; when it did not, the reason is said
 * with its request id, unless the caller shows it (`isShown`).
 */
export function useChange<Answer, Input = void>(
  change: (input: Input) => Promise<Answer>,
  { touches, done, isShown = false }: { touches: readonly string[]; done?: string; isShown?: boolean },
): PortalChange<Input, Answer> {
  const client = useQueryClient();
  const toast = useToast();
  const { mutateAsync, data, error, isPending, reset } = useMutation<Answer, Error, Input>({
    mutationFn: change,
    // An answer may hold a secret: it is gone with whoever shows it.
    gcTime: 0,
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
  return { run: (input) => mutateAsync(input).catch(() => null), data, error, isPending, reset };
}
