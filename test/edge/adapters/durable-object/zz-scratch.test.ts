import { expect, test } from "vitest";
test("scratch", async () => {
  const said: string[] = [];
  for (const ms of [-1, 0]) { try { const s = AbortSignal.timeout(ms); await new Promise((r) => setTimeout(r, 20)); said.push(`timeout ${ms} aborted=${s.aborted}`); } catch (e) { said.push(`timeout ${ms} throws ${String(e)}`); } }
  const t = "[".repeat(2 ** 21) + "]".repeat(2 ** 21);
  const a = Date.now(); JSON.parse(t); said.push(`parse ${Date.now() - a}`);
  expect(said).toEqual([]);
});
