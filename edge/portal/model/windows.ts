import { windows, type WindowName, type WindowUnit } from "../../agreements/records/windows.ts";
import { formatCount, formatMoney } from "./format.ts";

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
export function readLimits(written: Readonly<Record<string, string>>): Record<string, number | null> | null {
  const set = listWindows().flatMap(({ name, unit }) => {
    const text = written[name]?.trim() ?? "";
    if (text === "") return [];
    const value = Number(text);
    return [[name, unit === "money" ? Math.round(value * 1_000_000) : value] as const];
  });
  return set.length === 0 ? null : Object.fromEntries(set);
}

function isWindow(name: string): name is WindowName {
  return Object.hasOwn(windows, name);
}
