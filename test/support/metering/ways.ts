import { waysBroken, waysLeft, waysRefused } from "./ways-left.ts";
import { waysRead } from "./ways-read.ts";
import type { Way } from "./way.ts";

/** The whole table, in the order of docs/metering.md. */
export const chapters: readonly { title: string; ways: readonly Way[] }[] = [
  { title: "Read to the end", ways: waysRead },
  { title: "Left, or out of time", ways: waysLeft },
  { title: "Sent twice, or refused", ways: waysRefused },
  { title: "Broken", ways: waysBroken },
];
