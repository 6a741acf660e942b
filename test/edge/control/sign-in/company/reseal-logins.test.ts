import { afterAll, beforeAll, expect, test } from "vitest";
import { openMasterKeys } from "#edge/agreements/sealing.ts";
import { openLoginSecret } from "#edge/control/company-login/login.ts";
import { findLogin } from "#edge/control/company-login/queries.ts";
import { resealLogins } from "#edge/control/sign-in/company/reseal-logins.ts";
import { generateRandomBytes } from "#edge/visit.ts";
import { openWorld, type World } from "../../http/world.ts";

let world: World;
beforeAll(async () => {
  world = await openWorld();
});
afterAll(() => world.close());

test("a secret is sealed anew under the first key, and one that no key opens stays as it is", async () => {
  const body = { name: "Company", issuer: "https://hooks.example.test", clientId: "a", secret: "FAKE-client-secret" };
  for (const { org, admin } of [world.a, world.b])
    await world.ask("POST", `/control/orgs/${org}/company-login`, { key: admin, body });
  await world.select("UPDATE company_logins SET secret = 's9.AAAA' WHERE org = ?", world.b.org);
  const [old, fresh] = ["C", "D"].map((letter) => letter.repeat(43));
  const both = await openMasterKeys({ s2: fresh ?? "", s1: old ?? "" }, "login secrets");
  await resealLogins(world.db, both, generateRandomBytes);
  const row = (await findLogin(world.db, world.a.org)) ?? expect.fail("no login");
  expect(row.secret).toMatch(/^s2\./);
  const alone = await openMasterKeys({ s2: fresh ?? "" }, "login secrets");
  expect(await openLoginSecret(alone, row)).toBe("FAKE-client-secret");
  // It opens for this login alone.
  await expect(openLoginSecret(alone, { ...row, id: "sso_0123456789012345678901" })).rejects.toThrow();
  expect((await findLogin(world.db, world.b.org))?.secret).toBe("s9.AAAA");
});
