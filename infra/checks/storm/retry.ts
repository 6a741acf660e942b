import { setTimeout as sleep } from "node:timers/promises";

/** Retries what fails because something is down at the moment, for `msMax`; then throws the last failure. */
export async function retryFor<T>(msMax: number, attempt: () => Promise<T>): Promise<T> {
  for (const endMs = Date.now() + msMax; ; await sleep(400)) {
    try {
      return await attempt();
    } catch (cause) {
      if (Date.now() > endMs) throw cause;
    }
  }
}
