import { expect, it } from "vitest";
import { openHooks, verifies } from "./world.ts";

const { place, ask, hook, cause } = openHooks();

const sendOne = async () => {
  place.world.web.posted = [];
  await cause();
  await place.world.deliver();
  const [posted] = place.world.web.posted;
  if (!posted) throw new Error("nothing was posted");
  return posted;
};

it("signs with both secrets during the overlap, and with the new one alone after it (J5)", async () => {
  const made = await hook();
  const rotated = (await ask("POST", `/webhooks/${made.id}/rotate`, { overlapSeconds: 60 })).body;
  expect(rotated.secret).not.toBe(made.secret);
  expect(rotated.oldSecretEndsAt).not.toBeNull();
  const during = await sendOne();
  expect([verifies(made.secret, during), verifies(rotated.secret, during)]).toEqual([true, true]);
  place.world.clock.offsetMs = 61_000;
  const after = await sendOne();
  expect([verifies(made.secret, after), verifies(rotated.secret, after)]).toEqual([false, true]);
  expect((await ask("GET", `/webhooks/${made.id}`)).body.oldSecretEndsAt).toBeNull();
});

it("without an overlap ends the old secret at once; of three the one before the last signs", async () => {
  const made = await hook();
  const second = (await ask("POST", `/webhooks/${made.id}/rotate`, { overlapSeconds: 0 })).body;
  const one = await sendOne();
  expect([verifies(made.secret, one), verifies(second.secret, one)]).toEqual([false, true]);
  const third = (await ask("POST", `/webhooks/${made.id}/rotate`, { overlapSeconds: 60 })).body;
  const two = await sendOne();
  const known = [made, second, third].map(({ secret }) => verifies(secret, two));
  expect(known).toEqual([false, true, true]);
});

it("of many at once answers each with a secret that works or with 409", async () => {
  const made = await hook();
  const rotate = () => ask("POST", `/webhooks/${made.id}/rotate`, { overlapSeconds: 0 });
  const answers = await Promise.all(Array.from({ length: 5 }, rotate));
  const won = answers.filter(({ status }) => status === 200);
  expect([won.length > 0, answers.every(({ status }) => status === 200 || status === 409)]).toEqual([true, true]);
  expect(verifies(won.at(-1)?.body.secret, await sendOne()) || won.length > 1).toBe(true);
});

it("refuses an overlap that is missing or too long, and an unknown webhook", async () => {
  const { id } = await hook();
  for (const body of [{}, { overlapSeconds: -1 }, { overlapSeconds: 72 * 3_600 + 1 }, { overlapSeconds: 1.5 }])
    expect((await ask("POST", `/webhooks/${id}/rotate`, body)).status).toBe(400);
  expect((await ask("POST", `/webhooks/wh_${"0".repeat(22)}/rotate`, { overlapSeconds: 0 })).status).toBe(404);
});
