import { writeCallBody, jsonAnswer } from "../load/answers.ts";
import type { Bench } from "../bench-plan.ts";
import { forgeKey } from "../load/callers.ts";
import { openKeyring } from "#edge/agreements/tokens/key-format.ts";
import { makeSecrets } from "#infra/local/secrets.ts";
import { makeRow, type BenchRow } from "../row.ts";
import { BrokenError, checkSettled } from "../side.ts";
import { makeStreamLoad } from "./streams.ts";

const path = "/v1/chat/completions";

/**
 * How often a call reaches the ledgers and D1, and how often one with a foreign key does. Counted in a pass of its own,
 * by proxies around the bindings.
 */
export async function measureCounts({ stage, plan }: Bench): Promise<BenchRow[]> {
  const [caller] = await stage.publish(1);
  if (!caller) throw new RangeError("no caller");
  const port = stage.ports.counted;
  await stage.probe("/counts", {});
  const whole = await stage.load({
    kind: "closed",
    port,
    keys: [caller.text],
    path,
    body: writeCallBody(false),
    connections: 16,
    ms: plan.windowMs,
    status: 200,
    bytes: jsonAnswer.length,
  });
  const streams = await stage.load({ ...makeStreamLoad(port, [caller.text]), ms: plan.windowMs, seed: 1 });
  const calls = whole.calls + streams.calls;
  const admitted = await stage.probe("/counts", {});
  await checkSettled(stage, [caller], calls);

  const refused = await stage.load({ ...makeRefusalLoad(port, await makeBadKeys()), ms: plan.windowMs / 2 });
  const afterRefusals = await stage.probe("/counts", {});

  const admits = (admitted["LEDGERS.admit"] ?? 0) / calls;
  const others = sumCounts(admitted, "LEDGERS.") - (admitted["LEDGERS.admit"] ?? 0);
  if (others !== 0)
    throw new BrokenError(`calls asked the ledgers for more than admission: ${JSON.stringify(admitted)}`);
  const seen = JSON.stringify(admitted).replaceAll('"', "");
  return [
    makeRow("admission round trips a call", { bound: "exactly", value: 1, unit: "" }, [admits], {
      note: `${calls} calls: ${seen}`,
      figures: admitted,
    }),
    makeRow("D1 uses a call", { bound: "exactly", value: 0, unit: "" }, [sumCounts(admitted, "DB.") / calls], {
      note: `${calls} calls`,
      figures: admitted,
    }),
    makeRow(
      "storage calls for keys not ours",
      { bound: "exactly", value: 0, unit: "" },
      [sumCounts(afterRefusals, "")],
      {
        note: `${refused.calls} refusals`,
        figures: afterRefusals,
      },
    ),
  ];
}

/** A load that is refused with 401 each time. */
export function makeRefusalLoad(port: number, keys: string[]) {
  return {
    kind: "closed",
    port,
    keys,
    path,
    body: writeCallBody(false),
    connections: 16,
    status: 401,
    bytes: null,
  } as const;
}

/** Keys in turn: malformed, with a wrong checksum, and well-formed with the tag of another deployment. */
export async function makeBadKeys(): Promise<string[]> {
  const foreign = makeSecrets();
  const forged = await forgeKey(await openKeyring({ tagKeys: foreign.tagKeys, peppers: foreign.peppers }));
  return ["sk-pen-nonsense", `${forged.slice(0, -1)}${forged.endsWith("0") ? "1" : "0"}`, forged];
}

function sumCounts(counts: Record<string, number>, prefix: string): number {
  return Object.entries(counts).reduce((sum, [name, count]) => sum + (name.startsWith(prefix) ? count : 0), 0);
}
