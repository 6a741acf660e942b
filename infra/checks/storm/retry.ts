import { setTimeout as sleep } from "node:timers/promises";

/** Tries again what fails because something is dead just now, for `msMax`; then throws what it failed with last. */
export async function retryFor<T>(msMax: number, attempt: () => Promise<T>): Promise<T> {
  for (const endMs = Date.now() + msMax; ; await sleep(400)) {
    try {
      return await attempt();
    } catch (cause) {
      if (Date.now() > endMs) throw cause;
    }
  }
}
