import { spawn } from "node:child_process";
import { text } from "node:stream/consumers";
import type { JsonObject } from "#edge/agreements/json.ts";
import type { NativeProtocol } from "#infra/checks/accept/protocols/questions.ts";
import { folder } from "#infra/checks/accept/engines.ts";

/** A whole answer, or one event of a stream. */
export type Told = { protocol: NativeProtocol; name: string } & ({ answer: JsonObject } | { event: JsonObject });

const script = new URL("../../../../../infra/checks/accept/protocols/published.py", import.meta.url).pathname;

/** What is not of the published form, by the types of the SDKs that vLLM brings with it. */
export async function findUnpublished(told: readonly Told[]): Promise<string[]> {
  const child = spawn(`${folder}/venv/bin/python`, [script], { stdio: ["pipe", "pipe", "inherit"] });
  const ended = new Promise<number | null>((resolve, reject) => child.once("error", reject).once("exit", resolve));
  child.stdin.end(told.map((one) => `${JSON.stringify(one)}\n`).join(""));
  const output = await text(child.stdout);
  const code = await ended;
  if (code !== 0) throw new Error(`published.py left with ${String(code)}`);
  return output.split("\n").filter(Boolean);
}
