import { setTimeout as sleep } from "node:timers/promises";
import { Webhook } from "standardwebhooks";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { hasBrowser, visit } from "#test/support/portal/visitor.ts";
import { worldAt } from "#test/support/stack/world.ts";
import { openReceiver, type Received } from "#test/support/webhooks/receiver.ts";

const place = inject("place");
const world = worldAt(place);
let receiver: Awaited<ReturnType<typeof openReceiver>>;

beforeAll(async () => void (receiver = await openReceiver()));
afterAll(() => receiver.close());

/** Waits until so many deliveries have come to a path. */
async function receive(path: string, count: number): Promise<Received[]> {
  for (let tries = 0; tries < 200; tries++, await sleep(50))
    if (receiver.at(path).length >= count) return receiver.at(path);
  throw new Error(`${receiver.at(path).length} of ${count} deliveries came to ${path}`);
}
const verify = (secret: string, { body, headers }: Received) =>
  new Webhook(secret).verify(body, headers as Record<string, string>);

describe.runIf(hasBrowser())("webhooks and budgets", () => {
  test("a share of a budget that is spent arrives signed, stands in the log, and is sent again", async () => {
    const org = await world.newOrg();
    const visitor = await visit(place.adminKey);
    const { page } = visitor;
    await visitor.go(`settings?org=${org.id}`);
    await page.getByRole("button", { name: "Add a webhook" }).click();
    const adding = page.getByRole("dialog");
    await adding.getByLabel("Address").fill("https://localhost/no");
    await adding.getByRole("button", { name: "Add a webhook" }).click();
    await adding.getByText(/^url: /).waitFor();
    await adding.getByLabel("Address").fill(`${receiver.url}/budgets`);
    await adding.getByLabel("Events").click();
    await page.getByRole("option", { name: "budget.reached" }).click();
    await page.keyboard.press("Escape");
    await adding.getByRole("button", { name: "Add a webhook" }).click();
    const secret = (await adding.locator("[data-secret]").innerText()).trim();
    await adding.getByRole("button", { name: "I have kept it" }).click();
    await adding.waitFor({ state: "detached" });

    await visitor.go(`limits?org=${org.id}`);
    await page.getByRole("button", { name: "Add a budget" }).click();
    const budget = page.getByRole("dialog");
    await budget.getByLabel("A month, in USD").fill("0.000001");
    await budget.getByLabel("Tell at, in per cent").fill("100");
    await budget.getByRole("button", { name: "Add a budget" }).click();
    await budget.waitFor({ state: "detached" });
    expect((await world.chat(org.key, { max_tokens: 4 })).status).toBe(200);
    await world.settled(org.id);
    // Nothing rings for the cron here; a change of the org sends what is due.
    await world.newKey(org.id);
    const [first] = await receive("/budgets", 1);
    expect(verify(secret, first!)).toMatchObject({
      type: "budget.reached",
      data: { sharePercent: 100, amountMicros: 1, isStop: false },
    });

    await visitor.go(`settings?org=${org.id}`);
    await page.getByRole("button", { name: `Deliveries: ${receiver.url}/budgets` }).click();
    await page.getByText("delivered").waitFor();
    await page.getByRole("button", { name: "budget.reached" }).click();
    await page.getByRole("dialog").getByText('"sharePercent":100').waitFor();
    await page.getByRole("dialog").getByRole("button", { name: "Send again" }).click();
    const [, again] = await receive("/budgets", 2);
    expect(again!.body).toBe(first!.body);

    await page.getByRole("button", { name: `More: ${receiver.url}/budgets` }).click();
    await page.getByRole("menuitem", { name: "New secret" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "New secret" }).click();
    const next = (await page.getByRole("dialog").locator("[data-secret]").innerText()).trim();
    await page.getByRole("button", { name: "I have kept it" }).click();
    await page.getByRole("button", { name: `More: ${receiver.url}/budgets` }).click();
    await page.getByRole("menuitem", { name: "Send a test" }).click();
    const [, , tried] = await receive("/budgets", 3);
    for (const one of [secret, next]) expect(verify(one, tried!)).toMatchObject({ type: "webhook.test" });

    await page.getByRole("button", { name: `More: ${receiver.url}/budgets` }).click();
    await page.getByRole("menuitem", { name: "Remove it" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Remove it" }).click();
    await page.getByText("No webhook", { exact: true }).waitFor();
    expect(visitor.complaints).toEqual([]);
    await visitor.context.close();
  });
});
