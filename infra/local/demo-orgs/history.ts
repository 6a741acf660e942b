import { computeCostMicros, findByName, type ModelRecord } from "#edge/agreements/records/model.ts";
import type { UsageColumn } from "#edge/agreements/records/usage-columns.ts";
import { openChance, type Chance } from "./random.ts";
import type { CastKey, CastOrg } from "./cast.ts";
import { findWork, type Work } from "./works.ts";

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

/** A line of the bill by the names of its columns. */
export type HistoryLine = Record<UsageColumn, string | number | null>;

/** Whose past it is: the org and its keys by the ids that this deployment gave them. */
export interface Past {
  cast: CastOrg;
  org: string;
  /** By the name of the key. */
  keys: Readonly<Record<string, string>>;
  models: readonly ModelRecord[];
  seed: string;
}

const ends: readonly { end: string; weight: number }[] = [
  { end: "completed", weight: 955 },
  { end: "cancelled", weight: 27 },
  { end: "failed", weight: 13 },
  { end: "expired", weight: 5 },
];
/** On one day in nine a node was in trouble for three hours. */
const troubledEnds: typeof ends = [
  { end: "completed", weight: 70 },
  { end: "failed", weight: 30 },
];

/**
 * What an org would have used from one moment to another: the same for the same seed, hour by hour, so a past that goes
 * on later is the same as one that was longer from the start. Costs are those of the models' records.
 */
export function* writeHistory(past: Past, fromMs: number, toMs: number): Generator<HistoryLine> {
  for (let hour = Math.floor(fromMs / hourMs) * hourMs; hour < toMs; hour += hourMs) {
    const chance = openChance(`${past.seed} ${past.cast.name} ${hour}`);
    const calls = Math.round(chance.around(countUsual(past.cast, hour), 1.3));
    for (let at = 0; at < calls; at++) {
      const line = writeLine(past, hour, chance);
      if (Number(line.admittedAtMs) >= fromMs && Number(line.endedAtMs) < toMs) yield line;
    }
  }
}

/** Calls of an hour as its hour of the day and day of the week have them; a slow swell over weeks lies on it. */
function countUsual({ callsADay, weekendShare, nightShare }: CastOrg, hour: number): number {
  const date = new Date(hour);
  const hourOfDay = date.getUTCHours();
  const isWeekend = date.getUTCDay() % 6 === 0;
  const light = Math.max(0, Math.sin((Math.PI * (hourOfDay - 5)) / 15));
  const shape = nightShare + (1 - nightShare) * light ** 1.5 * 2.2;
  const swell = 1 + 0.2 * Math.sin(hour / dayMs / 5);
  return (callsADay / 24) * Math.max(0.02, shape) * (isWeekend ? weekendShare : 1) * swell;
}

function isTroubled(hour: number): boolean {
  const day = Math.floor(hour / dayMs);
  const hourOfDay = (hour / hourMs) % 24;
  return day % 9 === 4 && hourOfDay >= 10 && hourOfDay < 13;
}

function writeLine(past: Past, hour: number, chance: Chance): HistoryLine {
  const key = chance.pick(past.cast.keys);
  const work = findWork(chance.pick(key.works).name);
  const model = findByName(past.models, work.model);
  if (!model) throw new Error(`this stack has no model '${work.model}'`);
  const tier = work.completionTokens > 0 && chance.next() < 0.09 ? "complex" : "shared";
  const { end } = chance.pick(isTroubled(hour) ? troubledEnds : ends);
  const counts = countTokens(work, { isWhole: end === "completed", isLong: tier === "complex" }, chance);
  const admittedAtMs = hour + Math.floor(chance.next() * hourMs);
  const ttftMs = work.ttftMs === null ? null : Math.round(chance.around(work.ttftMs, isTroubled(hour) ? 3 : 1.5));
  const tookMs = (ttftMs ?? 15) + work.msPerToken * (counts.completionTokens || counts.promptTokens);
  const reference = writeReference(chance);
  return {
    id: `hold_${reference}`,
    hold: `hold_${reference}`,
    org: past.org,
    key: readKeyId(past, key),
    model: model.id,
    tier,
    endpoint: work.endpoint,
    end,
    responseId: work.idPrefix === null || end === "expired" ? null : work.idPrefix + reference,
    ...counts,
    costMicros: computeCostMicros(
      model.prices[tier],
      counts.promptTokens,
      counts.completionTokens,
      counts.cachedTokens,
    ),
    admittedAtMs,
    endedAtMs: admittedAtMs + Math.round(end === "expired" ? 900_000 : chance.around(tookMs, 1.2)),
    ttftMs: end === "expired" ? null : ttftMs,
  };
}

function countTokens(work: Work, { isWhole, isLong }: { isWhole: boolean; isLong: boolean }, chance: Chance) {
  const units = work.units ? Math.max(1, Math.round(chance.around(work.units.count, work.units.count > 1 ? 2 : 1))) : 0;
  const scale = isLong ? 6 : 1;
  const promptTokens = units * (work.units?.tokens ?? 0) || Math.round(chance.around(work.promptTokens * scale, 1.7));
  const isCached = chance.next() < work.cachedShare;
  // Engines count blocks of 16 tokens.
  const cachedTokens = isCached ? Math.floor((promptTokens * (0.5 + 0.45 * chance.next())) / 16) * 16 : 0;
  const wholeAnswer = work.completionTokens === 0 ? 0 : Math.ceil(chance.around(work.completionTokens * scale, 1.6));
  const completionTokens = isWhole ? wholeAnswer : Math.floor(wholeAnswer * chance.next());
  return { promptTokens, cachedTokens, completionTokens, units };
}

function readKeyId({ keys }: Past, { name }: CastKey): string {
  const id = keys[name];
  if (id === undefined) throw new Error(`there is no key '${name}'`);
  return id;
}

const letters = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/** The 22 characters of a hold. */
function writeReference(chance: Chance): string {
  return Array.from({ length: 22 }, () => letters[Math.floor(chance.next() * letters.length)]).join("");
}
