import { useQuery } from "@tanstack/vue-query";

/** Asks every 15 s how many nodes are ready; `find` tells of one model, by its id or an alias, `null` if unknown. */
export function useHealth(): { find: (names: readonly string[]) => number | null } {
  const { data: report } = useQuery({
    queryKey: ["health"],
    queryFn: async () => {
      const answer: unknown = await (await fetch(portalPaths.health)).json();
      return answer;
    },
    refetchInterval: 15_000,
  });
  return { find: (names) => countReady(report.value, names) };
}

/** How many nodes a report of /health names for a model of one of these names; `null` when it names none of them. */
export function countReady(report: unknown, names: readonly string[]): number | null {
  if (typeof report !== "object" || report === null || !("backends" in report)) return null;
  const { backends } = report;
  if (typeof backends !== "object" || backends === null) return null;
  const counts = new Map<string, unknown>(Object.entries(backends));
  const name = names.find((one) => counts.has(one));
  return name === undefined ? null : Number(counts.get(name));
}
