import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { refusals, type RefusalCode } from "#edge/errors.ts";
import type { StackOptions } from "#infra/local/stack.ts";
import {
  allFaults,
  table,
  type Billed,
  type Cell,
  type Dependency,
  type Fault,
  type Told,
} from "#test/journeys/faults/fault-table.ts";
import { authorizeNode, nodeKeysOf } from "#test/support/fakes/node-keys.ts";
import type { BindingFault } from "./binding-fault.ts";
import { openHop, type Hop, type HopFault } from "./faulty-hop.ts";
import { openOwnStack, type OwnStack } from "#test/support/stack/stack.ts";
import type { Org, World } from "#test/support/stack/world.ts";

/** A whole stack in which every way from one part to the next can fail, for one org at a time. */
export interface Stage {
  own: OwnStack;
  world: World;
  /** Between edge and agents, agents and engines (first the node of the tier `shared`), agents and edge. */
  nodes: Hop[];
  engines: Hop[];
  intake: Hop;
  /** A fault at a binding of the edge; once, unless told. */
  arm(fault: Omit<BindingFault, "times"> & { times?: number }): Promise<void>;
  /** A fault of the first node's disk, for records of one org; null mends it. */
  disk(fault: Fault | null, org?: string): void;
  /** Faults that were armed and met nobody: a cell that passed because nothing happened. */
  unstruck(): Promise<string[]>;
  /** Posts what a node would, signed as the first node does. */
  postAsNode(path: string, body: unknown, headers: Record<string, string>): Promise<Response>;
  close(): Promise<void>;
}

/** Runs one cell: brings the fault about, asks, and compares what was told and billed. */
export type RunCell = (stage: Stage, fault: Fault, cell: Cell) => Promise<void>;

/** A test for each cell of these rows that can occur. */
export function runCells(rows: Partial<Record<Dependency, RunCell>>, stage: () => Stage): void {
  for (const [name, expectCell] of Object.entries(rows)) {
    for (const fault of allFaults) {
      const cell = table[name as Dependency][fault];
      if ("never" in cell) continue;
      test(`${name}, ${fault}: told ${cell.told}, billed ${cell.billed}`, () => expectCell(stage(), fault, cell));
    }
  }
}

/**
 * For cells that depend on a short deadline. A busy machine may miss it, so a cell that expects success has three
 * tries, each with an org of its own; one that expects a failure has one.
 */
export function patiently(run: RunCell): RunCell {
  return async (stage, fault, cell) => {
    for (let tries = cell.told === "ok" ? 3 : 1; tries > 1; tries--) {
      const isRight = await run(stage, fault, cell).then(
        () => true,
        () => false,
      );
      if (isRight) return;
    }
    await run(stage, fault, cell);
  };
}

export async function openStage(options: Partial<StackOptions> = {}): Promise<Stage> {
  const hops: Hop[] = [];
  const through = async (url: string) => {
    const hop = await openHop(url);
    hops.push(hop);
    return hop.url;
  };
  const dir = mkdtempSync(join(tmpdir(), "penstock-faults-"));
  const diskFile = join(dir, "disk");
  const diskFaults: string[] = [];
  Object.assign(process.env, {
    NODE_OPTIONS: `--import=${new URL("faulty-disk.ts", import.meta.url).href}`,
    FAULTY_DISK: diskFile,
  });
  const own = await openOwnStack({
    entry: "test/support/faults/faulty-edge.ts",
    agentLimits: { streamIdleMsMax: 2_000, heartbeatMs: 1_000 },
    via: through,
    viaEngine: through,
    viaEdge: through,
    ...options,
    // Long enough for an agent's report that had to be sent again, short enough to be waited for.
    vars: { HOLD_GRACE_MS: "6000", ...options.vars },
  });
  const { world, stack } = own;
  const [first] = stack.nodes;
  const hopOf = (isIt: (hop: Hop) => boolean) => hops.find(isIt)!;
  const nodes = stack.nodes.map(({ url }) => hopOf(({ target }) => target === url));
  const engines = stack.nodes.map(({ engineUrl }) => hopOf(({ url }) => url === engineUrl));
  const intake = hopOf(({ target }) => target === stack.edge.url);
  const keys = nodeKeysOf(first!.id, stack.secrets.nodeMasterKeys);
  return {
    own,
    world,
    nodes,
    engines,
    intake,
    async arm(fault) {
      await fetch(`${world.place.edge}/faults`, { method: "POST", body: JSON.stringify({ times: 1, ...fault }) });
    },
    disk(fault, org) {
      writeFileSync(diskFile, fault === null ? "" : `${fault} ${org}`);
      if (fault !== null) diskFaults.push(`${fault} ${org}`);
    },
    async unstruck() {
      const bindings = (await (await fetch(`${world.place.edge}/faults`)).json()) as BindingFault[];
      const disk = readFileSync(`${diskFile}.struck`, { encoding: "utf8", flag: "a+" });
      return [
        ...bindings.filter(({ struck }) => !struck).map(({ at, key, fault }) => `${at} ${key} ${fault}`),
        ...[nodes, engines, [intake]].flatMap((some) => unstruckOf(some, ({ keys }) => keys.join())),
        ...diskFaults.filter((fault) => !disk.includes(fault)).map((fault) => `disk ${fault}`),
      ];
    },
    async postAsNode(path, body, headers) {
      const text = JSON.stringify(body);
      return fetch(world.place.edge + path, {
        method: "POST",
        headers: {
          ...headers,
          "content-type": "application/json",
          authorization: authorizeNode(first!.id, text, Date.now(), keys),
        },
        body: text,
      });
    },
    async close() {
      await own.close();
      await Promise.all(hops.map((hop) => hop.close()));
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

/** A fault that stood on several hops has struck when it struck on one. `nameOf` tells which are the same. */
export function unstruckOf(hops: Hop[], nameOf: (fault: HopFault) => string): string[] {
  const counts = new Map<string, number>();
  for (const fault of hops.flatMap(({ armed }) => armed)) {
    const name = `${nameOf(fault)} ${fault.place} ${fault.path ?? ""} ${fault.fault}`;
    counts.set(name, (counts.get(name) ?? 0) + fault.struck);
  }
  return [...counts].filter(([, struck]) => struck === 0).map(([name]) => name);
}

/** Tokens that a call asks for. */
export const asked = 6;
/** A call of one org, in a cell of its own, that names the org in its prompt, so that every hop knows whose it is. */
export function call(
  world: World,
  org: Org,
  fields: Record<string, unknown> = {},
  headers: Record<string, string> = {},
): Promise<Response> {
  const messages = [{ role: "user", content: `Tell ${org.id} a story` }];
  return world.chat(
    org.key,
    { messages, max_tokens: asked, ignore_eos: true, ...fields },
    { "x-fault-cell": org.id, ...headers },
  );
}

/**
 * Reads an answer to its end. Fails on what no answer may have or lack: a fault's own text, another shape of error, no
 * request id.
 */
export async function toldBy(answer: Promise<Response> | Response): Promise<Told> {
  const response = await answer;
  return told(response, await response.text());
}

function told(response: Response, text: string): Told {
  expect(text).not.toContain("CANARY");
  expect(JSON.stringify([...response.headers])).not.toContain("CANARY");
  expect(response.headers.get("x-request-id")).toMatch(/^req_[0-9A-Za-z]{22}$/);
  if (!response.ok) {
    const code = codeOf(text);
    expect(response.status).toBe(refusals[code].status);
    return code;
  }
  if (!response.headers.get("content-type")?.startsWith("text/event-stream")) {
    expect(JSON.parse(text)).not.toHaveProperty("error");
    return "ok";
  }
  const events = text
    .split("\n\n")
    .filter((block) => block.startsWith("data: "))
    .map((block) => block.slice(6));
  const last = events.at(-1) ?? "";
  if (last === "[DONE]") return "ok";
  expect(events).not.toContain("[DONE]");
  return `event:${codeOf(last)}`;
}

function codeOf(text: string): RefusalCode {
  const { error } = JSON.parse(text) as { error: Record<string, unknown> };
  const code = error["code"] as RefusalCode;
  expect(error).toEqual({ message: expect.any(String), type: refusals[code]?.type, param: null, code });
  return code;
}

/**
 * Waits until nothing is held and the bill is written, and compares. Nobody ever pays for what was not made. `seen`:
 * texts that the caller got.
 */
export async function expectBill(world: World, org: Org, billed: Billed, seen = 0): Promise<void> {
  const rows = await world.settled(org.id, 50_000);
  const sum = (numbers: number[]) => numbers.reduce((one, other) => one + other, 0);
  const completion = sum(rows.map((row) => row.completionTokens));
  const made = (await Promise.all(rows.map((row) => world.made(String(row.hold))))).flat();
  expect(new Set(rows.map((row) => row.id)).size).toBe(rows.length);
  expect(completion).toBeLessThanOrEqual(sum(made.map((one) => one.emittedTokens)));
  if (billed === "all")
    expect(rows.map(({ end, completionTokens }) => ({ end, completionTokens }))).toEqual([
      { end: "completed", completionTokens: asked },
    ]);
  if (billed === "made") expect(completion).toBeGreaterThanOrEqual(seen);
  if (billed === "made or nothing") expect([0, ...made.map((one) => one.emittedTokens)]).toContain(completion);
  if (billed === "prompt") expect(rows).toMatchObject([{ completionTokens: 0, promptTokens: expect.any(Number) }]);
  if (billed === "nothing") expect(sum(rows.map((row) => row.promptTokens + row.completionTokens))).toBe(0);
}

/** What the edge logged about a call, for a failing cell to show. */
function logOf({ own }: Stage, response: Response): string {
  const id = response.headers.get("x-request-id") ?? "no request id";
  return own.logs.filter((line) => line.includes(id)).join("\n");
}

/** A call that meets the fault, whatever it is: what it was told, and what it cost. */
export async function expectCall(
  stage: Stage,
  org: Org,
  cell: Cell,
  fields: Record<string, unknown> = {},
  headers: Record<string, string> = {},
): Promise<void> {
  const response = await call(stage.world, org, fields, headers);
  const text = await response.text();
  // A stream that has not begun after a second is answered 200: on a busy machine any refusal may come that late.
  const alsoRight = fields["stream"] === true && cell.told !== "ok" ? [`event:${cell.told}`] : [];
  expect([cell.told, ...alsoRight], logOf(stage, response)).toContain(told(response, text));
  await expectBill(stage.world, org, cell.billed, text.split(/"content":"[^"]/).length - 1);
}
