import { windows, type WindowName, type WindowUnit } from "../../../agreements/records/windows.ts";
import { formatCount, formatMoney } from "../format.ts";
import { readMicros, writeMicros } from "./money.ts";

/** Limits by their windows, as the API has them; a window that is not named, or null, has none. */
export type WindowLimits = { readonly [name in WindowName]?: number | null };

/** What a window is called, and what it counts; `null` for a name that this build does not know. */
export function describeWindow(name: string): { title: string; unit: WindowUnit } | null {
  if (!isWindow(name)) return null;
  const { title, unit } = windows[name];
  return { title: unit === "money" ? "Spend per month" : title.charAt(0).toUpperCase() + title.slice(1), unit };
}

/** A number of a window with its unit: money as money, all else as a count. */
export function formatInWindow(name: string, value: number, currency: string): string {
  return describeWindow(name)?.unit === "money" ? formatMoney(value, currency) : formatCount(value);
}

/** The windows that a limit can be set for, in their order, as a form lists them. */
export function listWindows(): { name: WindowName; title: string; unit: WindowUnit }[] {
  return Object.keys(windows).flatMap((name) => {
    const described = isWindow(name) ? describeWindow(name) : null;
    return isWindow(name) && described ? [{ name, ...described }] : [];
  });
}

/** Reads what a form has for each window: a whole number, or nothing; money is written in units, kept in millionths. */
export function readLimits(written: Readonly<Record<string, string>>): WindowLimits | null {
  const set = listWindows().flatMap(({ name, unit }) => {
    const text = written[name]?.trim() ?? "";
    return text === "" ? [] : [[name, unit === "money" ? readMicros(text) : Number(text)] as const];
  });
  return set.length === 0 ? null : Object.fromEntries(set);
}

/** The same as a change of what there is: what the form leaves empty is lifted, and the rest set. */
export function setLimits(written: Readonly<Record<string, string>>): WindowLimits {
  return { ...Object.fromEntries(listWindows().map(({ name }) => [name, null])), ...readLimits(written) };
}

/** Limits as a form has them. */
export function writeLimits(limits: WindowLimits | null): Record<string, string> {
  const set = listWindows().flatMap(({ name, unit }) => {
    const value = limits?.[name];
    return typeof value === "number" ? [[name, unit === "money" ? writeMicros(value) : String(value)] as const] : [];
  });
  return Object.fromEntries(set);
}

/** Limits in one line; "" for none. */
export function describeLimits(limits: WindowLimits | null, currency: string): string {
  const set = listWindows().flatMap(({ name, title }) => {
    const value = limits?.[name];
    return typeof value === "number" ? [`${title}: ${formatInWindow(name, value, currency)}`] : [];
  });
  return set.join("; ");
}

function isWindow(name: string): name is WindowName {
  return Object.hasOwn(windows, name);
}
