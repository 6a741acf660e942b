import { readCpuMs, readMachineCpuMs } from "./cpu.ts";

/**
 * One measured span of time: what was done, how long it took, the CPU of the measured process, and what everything else
 * on the machine used.
 */
export interface Window<T> {
  outcome: T;
  wallMs: number;
  cpuMs: number;
  /** CPU of programs that are not ours, as a share of one core. */
  foreignShare: number;
}

/** One of the things compared: warmed up, then measured. */
export interface Variant<T> {
  warm?: () => Promise<unknown>;
  run: () => Promise<T>;
  /** The process whose CPU counts, where it is not the plan's. */
  pid?: number;
}

/** How rounds are taken. */
export interface RoundPlan {
  rounds: number;
  /** The process whose CPU counts. */
  pid: number;
  /** How often a noisy window is repeated. */
  retries: number;
  say(line: string): void;
}

/**
 * Rounds in which every variant was measured undisturbed; `isNoisy` when other programs disturbed all of them, and the
 * figures are reported only for want of better ones.
 */
export interface Rounds<Name extends string, T> {
  taken: Record<Name, Window<T>>[];
  dropped: number;
  isNoisy: boolean;
}

/** Above 12 % of a core a window is repeated; above 15 % its round is dropped. */
const againAbove = 0.12;
const droppedAbove = 0.15;

/** Takes the variants in turn, A..Z and then Z..A, so that a drift of the machine affects all alike. */
export async function takeRounds<Name extends string, T>(
  plan: RoundPlan,
  variants: Record<Name, Variant<T>>,
): Promise<Rounds<Name, T>> {
  const names = Object.keys(variants) as Name[];
  const all: Record<Name, Window<T>>[] = [];
  for (let round = 0; round < plan.rounds; round++) {
    const order = round % 2 === 0 ? names : names.toReversed();
    const windows: Partial<Record<Name, Window<T>>> = {};
    for (const name of order) windows[name] = await takeQuietest(plan, name, variants[name]);
    all.push(windows as Record<Name, Window<T>>);
  }
  const isQuiet = (windows: Record<Name, Window<T>>) =>
    names.every((name) => windows[name].foreignShare <= droppedAbove);
  const taken = all.filter(isQuiet);
  if (taken.length === 0) return { taken: all, dropped: 0, isNoisy: true };
  return { taken, dropped: all.length - taken.length, isNoisy: false };
}

async function takeQuietest<T>(plan: RoundPlan, name: string, variant: Variant<T>): Promise<Window<T>> {
  let best: Window<T> | null = null;
  for (let tries = 0; tries <= plan.retries; tries++) {
    await variant.warm?.();
    const window = await measure(variant.pid ?? plan.pid, variant.run);
    if (!best || window.foreignShare < best.foreignShare) best = window;
    if (best.foreignShare <= againAbove) break;
    plan.say(
      `  ${name}: others used ${formatShare(window.foreignShare)} of a core${tries < plan.retries ? ", again" : ""}`,
    );
  }
  if (!best) throw new RangeError("a window must be tried once");
  return best;
}

/** Measures one span. Ours means this process and its descendants. */
export async function measure<T>(pid: number, run: () => Promise<T>): Promise<Window<T>> {
  const before = {
    ms: performance.now(),
    cpu: readCpuMs(pid),
    own: readCpuMs(process.pid),
    machine: readMachineCpuMs(),
  };
  const outcome = await run();
  const wallMs = performance.now() - before.ms;
  const cpuMs = readCpuMs(pid) - before.cpu;
  const foreignMs = readMachineCpuMs() - before.machine - (readCpuMs(process.pid) - before.own);
  return { outcome, wallMs, cpuMs, foreignShare: Math.max(0, foreignMs / wallMs) };
}

function formatShare(share: number): string {
  return `${Math.round(share * 100)} %`;
}
