import type { Page } from "playwright-core";
import { beforeAll, describe, expect, inject, test } from "vitest";
import { pageList } from "#edge/portal/page-list.ts";
import {
  expectNoSideScroll,
  findFaults,
  hasBrowser,
  narrow,
  setTheme,
  visit,
  wide,
  type Visitor,
} from "#test/support/portal/visitor.ts";
import { worldAt, type Org } from "#test/support/stack/world.ts";

const place = inject("place");
const world = worldAt(place);
let org: Org;
let visitor: Visitor;

beforeAll(async () => {
  org = await world.newOrg({ tokensPerDay: 100_000, requestsPerDay: 1_000 });
  await world.chat(org.key, { max_tokens: 8 });
  await world.newKey(org.id, { name: "<img src=x onerror=alert(1)> production", models: ["chat"] });
  await world.settled(org.id);
  if (hasBrowser()) visitor = await visit(place.adminKey);
});

/** axe finds nothing, and nothing scrolls sideways: wide and narrow, light and dark. */
async function expectNoFaults(page: Page): Promise<void> {
  for (const viewport of [wide, narrow])
    for (const isDark of [false, true]) {
      await page.setViewportSize(viewport);
      await setTheme(page, isDark);
      expect(await findFaults(page), `${viewport.width} px, ${isDark ? "dark" : "light"}`).toEqual([]);
      await expectNoSideScroll(page);
    }
}

/** What opens over a page, by the button that opens it. */
const dialogs: readonly (readonly [page: string, button: string])[] = [
  ["keys", "Create a key"],
  ["limits", "Add a budget"],
  ["members", "Invite somebody"],
  ["projects", "Create a project"],
  ["settings", "Add a webhook"],
  ["settings", "Set the limits"],
  ["settings", "Close this organization"],
  ["orgs", "Create an organization"],
  ["prices", "Set a price"],
];

const pages = pageList.filter(({ name }) => name !== "sign-in").map(({ name }) => name);

describe.runIf(hasBrowser())("every page", () => {
  test.for(pages)(
    "%s: axe finds nothing in either theme, nothing scrolls sideways, the policy refuses nothing",
    async (name) => {
      const { page } = visitor;
      await page.setViewportSize(wide);
      await visitor.go(`${name === "overview" ? "" : name}?org=${org.id}`);
      await expectNoFaults(page);
      expect(visitor.complaints).toEqual([]);
      expect(visitor.requests.filter((url) => !url.startsWith(place.edge))).toEqual([]);
    },
  );

  test.for(dialogs)("%s, %s: what opens over the page likewise", async ([name, button]) => {
    const { page } = visitor;
    await page.setViewportSize(wide);
    await visitor.go(`${name}?org=${org.id}`);
    await page.getByRole("button", { name: button }).first().click();
    await page.getByRole("dialog").waitFor();
    await expectNoFaults(page);
    expect(visitor.complaints).toEqual([]);
  });

  test("the sign-in page likewise", async () => {
    const visitor = await visit(null);
    await visitor.go("keys");
    expect(new URL(visitor.page.url()).pathname).toBe("/portal/sign-in");
    await expectNoFaults(visitor.page);
    expect(visitor.complaints).toEqual([]);
    await visitor.context.close();
  });
});
