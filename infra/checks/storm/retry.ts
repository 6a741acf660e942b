import { setTimeout as sleep } from "node:timers/promises";

/** Tries again what fails because something is dead just now, for `msMax`; then throws what it failed with last. */
export async function patiently<T>(msMax: number, ask: () => Promise<T>): Promise<T> {
  for (const endMs = Date.now() + msMax; ; await sleep(400)) {
    try {
      return await ask();
    } catch (cause) {
      if (Date.now() > endMs) throw cause;
    }
  }
}
