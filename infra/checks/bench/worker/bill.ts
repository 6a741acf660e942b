/**
 * Stands for D1, which plain workerd does not have: takes the ledgers' bill and counts its rows. It runs as a wrapped
 * binding, so the edge meets it as `env.DB`. There are no prices but those of MODELS. Nothing else is answered:
 * whatever reads D1 on a call's way fails here, loudly.
 */
export default function openBill(): { prepare(sql: string): unknown; rows(): number } {
  let rows = 0;
  return {
    prepare(sql) {
      if (sql.includes("FROM prices")) return { bind: () => ({ all: async () => ({ results: [] }) }) };
      if (!sql.trimStart().startsWith("INSERT INTO usage")) throw new Error(`the bench has no D1 for: ${sql}`);
      return {
        bind: (json: string) => ({
          run: async () => {
            rows += JSON.parse(json).length;
            return { success: true };
          },
        }),
      };
    },
    rows: () => rows,
  };
}
