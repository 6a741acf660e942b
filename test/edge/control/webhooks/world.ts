import { afterAll, beforeAll, beforeEach } from "vitest";
import { Webhook } from "standardwebhooks";
import { openWorld, type Json, type World } from "#test/edge/control/http/world.ts";

export const url = "https://hooks.example.test/in";

/** A world of the control API for one file, and what tests of webhooks do in it. */
export function openHooks() {
  const place = {} as { world: World };
  beforeAll(async () => void (place.world = await openWorld()));
  afterAll(() => place.world.close());
  beforeEach(async () => {
    const { world } = place;
    await world.settle();
    await world.select("DELETE FROM webhooks");
    world.web.posted = [];
    world.web.answer = () => ({ status: 200, excerpt: "ok" });
    world.web.isNameless = false;
    world.web.addresses = new Map([["hooks.example.test", ["93.184.216.34", "2606:2800:220:1::1"]]]);
    world.mailer.mails = [];
    world.clock.offsetMs = 0;
  });
  const ask = (method: string, path: string, body?: unknown, key = place.world.a.admin) =>
    place.world.ask(method, `/control/orgs/${place.world.a.org}${path}`, { key, ...(body !== undefined && { body }) });
  const hook = async (fields: Record<string, unknown> = {}): Promise<Json> => {
    const answer = await ask("POST", "/webhooks", { url, ...fields });
    if (answer.status !== 201) throw new Error(`${answer.status} ${answer.text}`);
    return answer.body;
  };
  /** Something happens: a key is made. */
  const cause = async (name = "x"): Promise<Json> => (await ask("POST", "/keys", { name })).body;
  const deliveries = async (id: string): Promise<Json[]> =>
    (await ask("GET", `/webhooks/${id}/deliveries`)).body.deliveries;
  return { place, ask, hook, cause, deliveries };
}

/** Does a receiver that knows this secret verify what was posted? At the time at which it was. */
export function verifies(
  secret: string,
  { headers, body }: { headers: Record<string, string>; body: string },
): boolean {
  try {
    // The package compares with the clock of this machine, so the test sends at times near it.
    new Webhook(secret).verify(body, headers);
    return true;
  } catch {
    return false;
  }
}

/** Gives a person another address, in the table that sign-in keeps. */
export async function setEmail(world: World, user: string, email: string): Promise<void> {
  await world.select("UPDATE auth_users SET email = ? WHERE id = ?", email, user);
}
