import { setTimeout as sleep } from "node:timers/promises";
import type { Org, World } from "#test/support/stack/world.ts";
import { readToldUsage, type ToldUsage } from "./told-usage.ts";
import { writeBody, type Breakage, type Form, type Way } from "./way.ts";

/** What a way is tried on. */
export interface Stage {
  world: World;
  /**
   * Resolves once the engine has the only call of an org, and has sent so many tokens of it: a whole answer has no
   * events.
   */
  untilSent(org: Org, tokens: number): Promise<void>;
  /** Throws for what cannot break here. */
  breakage(kind: Breakage): BreakageSwitch;
}

/** Something that breaks: armed before the call, struck once the caller has read enough, mended when all is over. */
export interface BreakageSwitch {
  arm?(after: number): Promise<void>;
  strike?(): Promise<void>;
  mend?(): Promise<void>;
}

/** What one call came to, as its caller saw it. A way that leaves at many places makes one for each. */
export interface Made {
  org: Org;
  /** The holds that answers named. */
  holds: string[];
  /** Of the answers that came, in no order. */
  statuses: number[];
  /** A stream had begun when its engine refused it, as one does after a second of silence: its one event said so. */
  isRefusedLate?: boolean;
  /** What the answer itself says was used; null when it says nothing, or never came. */
  usage: ToldUsage | null;
}

/** Walks a way in one form, to its end and no further: what is billed may not have arrived yet. */
export async function walk(stage: Stage, way: Way, form: Form): Promise<Made[]> {
  const { caller } = way;
  if (caller.does === "leaves") return Promise.all(caller.after.map((after) => leave(stage, way, form, after)));
  if (caller.does === "leavesUnheard")
    return Promise.all(caller.afterMs.map((afterMs) => leaveUnheard(stage, way, form, afterMs)));
  if (caller.does === "dawdles") return [await dawdle(stage, way, caller.after)];
  if (caller.does === "repeats")
    return [await repeat(stage, way, form, { ...caller, headers: { "idempotency-key": "again" } })];
  if (caller.does === "returns") return [await comeBack(stage, way, form, caller.after)];
  if (caller.does === "crowds") return [await repeat(stage, way, form, { times: caller.times, isAtOnce: true })];
  if (caller.does === "meets") return [await meet(stage, way, form, caller)];
  const one = await openCaller(stage, way, form);
  await one.read(await one.send());
  return [one.made];
}

/** An org of its own, with what it sends and what it hears. */
async function openCaller({ world }: Stage, way: Way, form: Form) {
  const org = await world.newOrg(way.limits);
  const key = way.byClientToken ? await mintToken(world, org) : org.key;
  const made: Made = { org, holds: [], statuses: [], usage: null };
  const body = JSON.stringify(writeBody(way, form));
  return {
    org,
    made,
    async send(headers: Record<string, string> = {}, signal?: AbortSignal): Promise<Response> {
      const response = way.isRead
        ? await fetch(world.place.edge + way.path, { headers: { authorization: `Bearer ${key}` } })
        : await world.post(way.path, key, body, { ...way.headers, ...headers }, signal);
      made.statuses.push(response.status);
      const hold = response.headers.get("x-penstock-hold");
      if (hold !== null) made.holds.push(hold);
      return response;
    },
    async read(response: Response): Promise<void> {
      const text = await response.text();
      if (response.ok) made.usage = readToldUsage(text);
      if (response.ok && /^(:.*\s+)*data: \{"error":/.test(text)) made.isRefusedLate = true;
    },
  };
}

async function mintToken(world: World, org: Org): Promise<string> {
  const response = await world.post("/v1/client-tokens", org.key, { expires_in: 60, models: ["chat"] });
  const { token }: { token: string } = JSON.parse(await response.text());
  return token;
}

async function leave(stage: Stage, way: Way, form: Form, after: number): Promise<Made> {
  const one = await openCaller(stage, way, form);
  await sendAndLeave(stage, one, { form, after });
  return one.made;
}

/** Sends a call and leaves it after so many events, or when its engine has sent so many tokens of a whole answer. */
async function sendAndLeave(
  stage: Stage,
  one: Awaited<ReturnType<typeof openCaller>>,
  { form, after, headers = {} }: { form: Form; after: number; headers?: Record<string, string> },
): Promise<void> {
  const leaving = new AbortController();
  const answer = one.send(headers, leaving.signal);
  if (form === "stream") await readEvents(await answer, after);
  else {
    answer.catch(() => undefined);
    await stage.untilSent(one.org, after);
  }
  leaving.abort();
  await answer.catch(() => undefined);
}

/** What is sent may not have been admitted when its caller leaves: a moment for it to be so. */
const admittedMs = 400;

async function leaveUnheard(stage: Stage, way: Way, form: Form, afterMs: number): Promise<Made> {
  const one = await openCaller(stage, way, form);
  const leaving = new AbortController();
  const answer = one.send({}, leaving.signal).then(one.read);
  answer.catch(() => undefined);
  await sleep(afterMs);
  leaving.abort();
  await answer.catch(() => undefined);
  await sleep(admittedMs);
  return one.made;
}

async function dawdle(stage: Stage, way: Way, after: number): Promise<Made> {
  const one = await openCaller(stage, way, "stream");
  const leaving = new AbortController();
  await readEvents(await one.send({}, leaving.signal), after);
  await sleep(1_500);
  leaving.abort();
  return one.made;
}

async function repeat(
  stage: Stage,
  way: Way,
  form: Form,
  { times, isAtOnce, headers = {} }: { times: number; isAtOnce: boolean; headers?: Record<string, string> },
): Promise<Made> {
  const one = await openCaller(stage, way, form);
  const sendOne = async () => {
    const response = await one.send(headers);
    return response.ok ? one.read(response) : void (await response.text());
  };
  if (isAtOnce) await Promise.all(Array.from({ length: times }, sendOne));
  else for (let at = 0; at < times; at++) await sendOne();
  return one.made;
}

async function comeBack(stage: Stage, way: Way, form: Form, after: number): Promise<Made> {
  const one = await openCaller(stage, way, form);
  const headers = { "idempotency-key": "again" };
  await sendAndLeave(stage, one, { form, after, headers });
  for (const afterMs of [0, 500]) {
    await sleep(afterMs);
    await (await one.send(headers)).text();
  }
  return one.made;
}

async function meet(
  stage: Stage,
  way: Way,
  form: Form,
  { breakage, after }: { breakage: Breakage; after: number },
): Promise<Made> {
  const { arm, strike, mend } = stage.breakage(breakage);
  await arm?.(after);
  const one = await openCaller(stage, way, form);
  const response = await one.send();
  if (form === "whole") await one.read(response);
  else {
    const rest = await readEvents(response, after - 2);
    await strike?.();
    await rest();
  }
  await mend?.();
  return one.made;
}

const isLines = ({ headers }: Response) => headers.get("content-type") === "application/x-ndjson";

/** Reads until so many events have come, or the stream ends; what it gives reads the rest, however it ends. */
async function readEvents(response: Response, count: number): Promise<() => Promise<void>> {
  if (response.body === null) throw new Error("a stream without a body");
  const reader = response.body.getReader();
  const decoder = new TextDecoder();
  let text = "";
  // A line of Ollama's is an event; all others stand behind `data:`.
  const mark = isLines(response) ? "\n" : "data: ";
  while (text.split(mark).length <= count) {
    const { value, done } = await reader.read();
    if (done) break;
    text += decoder.decode(value, { stream: true });
  }
  return async () => {
    try {
      while (!(await reader.read()).done);
    } catch {
      // It broke, as it was to.
    }
  };
}
