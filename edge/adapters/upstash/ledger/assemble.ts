import { countColumns } from "../../../agreements/records/usage-columns.ts";
import { windowNames, windows, type WindowName } from "../../../agreements/records/windows.ts";
import {
  abandonMs,
  endedRetentionMs,
  idempotencyMs,
  keyRetentionMs,
  leaseCallsMax,
  leaseCallsMin,
  leaseMarginMs,
  leaseShare,
  leasesMax,
  slotWaitMsMax,
  subBuckets,
  waitingMax,
  waitingSeenMs,
} from "../../../limits.ts";

/** The text of each file in lua/. */
export interface LuaParts {
  builtins: string;
  counters: string;
  state: string;
  leases: string;
  waiting: string;
  decide: string;
  settle: string;
  commands: string;
}

const quote = (text: string) => `"${text}"`;
const writeList = (values: string[]) => `{ ${values.join(", ")} }`;

/** A Lua table of what `write` finds for each window; a window for which it finds nothing is left out. */
function writeByWindow(write: (name: WindowName) => string | number | null): string {
  const rows = windowNames.map((name) => ({ name, value: write(name) })).filter(({ value }) => value !== null);
  return writeList(rows.map(({ name, value }) => `${name} = ${typeof value === "string" ? quote(value) : value}`));
}

/** The counter of a window among an owner's: those of a day and a month carry their names. */
function nameField(name: WindowName): string | null {
  const rule = windows[name];
  if (rule.kind === "gauge") return null;
  if (rule.kind === "sliding") return rule.slot;
  return rule.period + rule.slot.slice(0, 1).toUpperCase() + rule.slot.slice(1);
}

const readPeriod = (name: WindowName) => {
  const rule = windows[name];
  return rule.kind === "calendar" ? rule.period : null;
};

const readBucketMs = (name: WindowName) => {
  const rule = windows[name];
  return rule.kind === "sliding" ? rule.lengthMs / subBuckets : null;
};

const periods = [...new Set(windowNames.map(readPeriod))].filter((period) => period !== null);
const listFields = (isWanted: (name: WindowName) => boolean) =>
  windowNames.filter(isWanted).flatMap((name) => nameField(name) ?? []);
const slidingFields = listFields((name) => windows[name].kind === "sliding");
const fieldsByPeriod = periods.map((period) => ({ period, fields: listFields((name) => readPeriod(name) === period) }));
/** What is open, then for each period its number and two counts a field. */
const numbers = fieldsByPeriod.reduce((sum, { fields }) => sum + 1 + 2 * fields.length, 1);
const repeat = (text: string, separator: string) => Array.from({ length: numbers }, () => text).join(separator);

/** The words of the Lua that stand for our own constants, and for tables that follow from the windows. */
const constants: Record<string, string | number> = {
  SUB_BUCKETS: subBuckets,
  IDEMPOTENCY_MS: idempotencyMs,
  ENDED_RETENTION_MS: endedRetentionMs,
  KEY_RETENTION_MS: keyRetentionMs,
  NEVER_MS: Number.MAX_SAFE_INTEGER,
  MAX_SAFE: Number.MAX_SAFE_INTEGER,
  ABANDON_MS: abandonMs,
  LEASE_CALLS_MAX: leaseCallsMax,
  LEASE_CALLS_MIN: leaseCallsMin,
  LEASE_MARGIN_MS: leaseMarginMs,
  LEASE_SHARE: leaseShare,
  LEASES_MAX: leasesMax,
  WAITING_GONE_MS: slotWaitMsMax,
  WAITING_MAX: waitingMax,
  WAITING_SEEN_MS: waitingSeenMs,
  WINDOW_NAMES: writeList(windowNames.map(quote)),
  UNIT_BY_WINDOW: writeByWindow((name) => windows[name].unit),
  FIELD_BY_WINDOW: writeByWindow(nameField),
  PERIOD_BY_WINDOW: writeByWindow(readPeriod),
  BUCKET_MS_BY_WINDOW: writeByWindow(readBucketMs),
  SLIDING_FIELDS: writeList(slidingFields.map(quote)),
  PERIODS: writeList(periods.map(quote)),
  FIELDS_BY_PERIOD: writeList(
    fieldsByPeriod.map(({ period, fields }) => `${period} = ${writeList(fields.map(quote))}`),
  ),
  EMPTY_COUNTERS: quote(repeat("0", " ") + "|".repeat(slidingFields.length)),
  COUNTERS_PATTERN: quote(
    `^${repeat("(%S+)", " ").replace(/\(%S\+\)$/, "([^|]+)")}${"|([^|]*)".repeat(slidingFields.length)}$`,
  ),
  COUNTERS_FORMAT: quote(repeat("%d", " ")),
  COUNT_COLUMNS: writeList(countColumns.map(quote)),
  OLD_USAGE_PATTERN: quote(`^${"(%d+) ".repeat(countColumns.length - 1)}(.*)$`),
  USAGE_PATTERN: quote(`^${"(%d+) ".repeat(countColumns.length)}(.*)$`),
  NO_USAGE: quote(`${countColumns.map(() => "0 ").join("")}null`),
};

const isConstant = new RegExp(`\\b(?:${Object.keys(constants).join("|")})\\b`, "g");

/**
 * The one script of the ledger, from its parts; each run of it is atomic. Lua creates a script's functions anew in each
 * run and finds every outer name that they use by a search among all such names, which took a third of an admission's
 * time. So what only some commands need is created inside a function, when a command wants it, and the built-ins that
 * all use stand outside. What has read leases, or the line of those who wait, is created once, since it remembers
 * them. Numbers and tables that have a home in TypeScript are written in, so that none is typed twice.
 */
export function assembleScript({
  builtins,
  counters,
  state,
  leases,
  waiting,
  decide,
  settle,
  commands,
}: LuaParts): string {
  const script = `${builtins}
local function run()
${counters}
${state}
local function makeLeasing()
${leases}end

local leased = nil
local function leasing()
  leased = leased or makeLeasing()
  return leased
end

local function makeWaiting()
${waiting}end

local line = nil
local function waiting()
  line = line or makeWaiting()
  return line
end

local function deciding()
${decide}end

local function ending()
${settle}end

${commands}end
return run()
`;
  return script.replaceAll(isConstant, (name) => String(constants[name]));
}
