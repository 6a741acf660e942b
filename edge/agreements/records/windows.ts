import { listNames } from "../names.ts";

/** What a window counts: calls as they begin, calls under way, tokens, or millionths of the currency. */
export type WindowUnit = "requests" | "calls" | "tokens" | "money";

/** The default limit of an org by its plan; `null` is none. */
interface PlanDefaults {
  standard: number | null;
  professional: number | null;
  enterprise: number | null;
}

/**
 * How a window is counted. `sliding`: over the last `lengthMs`. `calendar`: in the current UTC day or month. `gauge`:
 * what is open at the moment. `slot` is the name of its counter in a ledger's state, `title` what a message calls it,
 * `head` the head of its column where orgs are listed (else it is only shown org by org).
 */
export type WindowRule = { title: string; head?: string; byPlan: PlanDefaults } & (
  | { kind: "sliding"; unit: WindowUnit; lengthMs: number; slot: string }
  | { kind: "calendar"; unit: WindowUnit; period: "day" | "month"; slot: string }
  | { kind: "gauge"; unit: "calls"; slot: "open" }
);

const noLimit: PlanDefaults = { standard: null, professional: null, enterprise: null };
const everyPlan = (limit: number): PlanDefaults => ({ standard: limit, professional: limit, enterprise: limit });

/**
 * The windows in which an org or a key may be limited: the one place that names them. Schemas, counters, checks, the
 * Redis script, answers and command-line columns follow from it. A new one needs a row here, and for ledgers that
 * exist already a counter at zero in what they have stored. The order is that of every list, and of the counters that
 * Redis stores: a new row goes to the end.
 */
export const windows = {
  requestsPerMinute: {
    title: "requests per minute",
    head: "REQ/MIN",
    unit: "requests",
    kind: "sliding",
    lengthMs: 60_000,
    slot: "minute",
    byPlan: { standard: 60, professional: 300, enterprise: null },
  },
  requestsPerHour: {
    title: "requests per hour",
    head: "REQ/HOUR",
    unit: "requests",
    kind: "sliding",
    lengthMs: 3_600_000,
    slot: "hour",
    byPlan: { standard: 3_000, professional: 15_000, enterprise: null },
  },
  concurrency: {
    title: "concurrent calls",
    head: "AT ONCE",
    unit: "calls",
    kind: "gauge",
    slot: "open",
    byPlan: { standard: 5, professional: 20, enterprise: null },
  },
  tokensPerMinute: {
    title: "tokens per minute",
    unit: "tokens",
    kind: "sliding",
    lengthMs: 60_000,
    slot: "tokens",
    byPlan: noLimit,
  },
  requestsPerDay: {
    title: "requests per day",
    unit: "requests",
    kind: "calendar",
    period: "day",
    slot: "requests",
    byPlan: everyPlan(100_000),
  },
  tokensPerDay: {
    title: "tokens per day",
    head: "TOKENS/DAY",
    unit: "tokens",
    kind: "calendar",
    period: "day",
    slot: "tokens",
    byPlan: everyPlan(10_000_000),
  },
  tokensPerMonth: {
    title: "tokens per month",
    unit: "tokens",
    kind: "calendar",
    period: "month",
    slot: "tokens",
    byPlan: everyPlan(300_000_000),
  },
  costMicrosPerMonth: {
    title: "spend per month, in millionths",
    unit: "money",
    kind: "calendar",
    period: "month",
    slot: "cost",
    byPlan: noLimit,
  },
} as const satisfies Record<string, WindowRule>;

/** The name of a window, as the API has it. */
export type WindowName = keyof typeof windows;

/** All windows, in the order in which they are listed. */
export const windowNames: readonly WindowName[] = listNames(windows);

type Rule = (typeof windows)[WindowName];
type SlidingSlot = Extract<Rule, { kind: "sliding" }>["slot"];
type DaySlot = Extract<Rule, { period: "day" }>["slot"];
type MonthSlot = Extract<Rule, { period: "month" }>["slot"];

const rules: Rule[] = windowNames.map((name) => windows[name]);

/** The windows that other plans limit and enterprise does not: there they are 'as set', and must be given. */
export const ratesAsSet: readonly WindowName[] = windowNames.filter((name) => {
  const { byPlan }: WindowRule = windows[name];
  return byPlan.enterprise === null && byPlan.standard !== null;
});

/** The counters of the sliding windows. */
export const slidingSlots: readonly SlidingSlot[] = rules.flatMap((rule) => (rule.kind === "sliding" ? rule.slot : []));

/** The counters that a UTC day has. */
export const daySlots: readonly DaySlot[] = rules.flatMap((rule) =>
  rule.kind === "calendar" && rule.period === "day" ? rule.slot : [],
);

/** The counters that a UTC month has. */
export const monthSlots: readonly MonthSlot[] = rules.flatMap((rule) =>
  rule.kind === "calendar" && rule.period === "month" ? rule.slot : [],
);
