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

const pages = pageList.filter(({ name }) => name !== "sign-in").map(({ name }) => name);

describe.runIf(hasBrowser())("every page", () => {
  test.for(pages)(
    "%s: axe finds nothing in either theme, nothing scrolls sideways, the policy refuses nothing",
    async (name) => {
      const { page } = visitor;
      await page.setViewportSize(wide);
      await visitor.go(`${name === "overview" ? "" : name}?org=${org.id}`);
      expect(await findFaults(page), "wide, light").toEqual([]);
      await setTheme(page, true);
      expect(await findFaults(page), "wide, dark").toEqual([]);
      await expectNoSideScroll(page);
      await page.setViewportSize(narrow);
      await expectNoSideScroll(page);
      expect(visitor.complaints).toEqual([]);
      expect(visitor.requests.filter((url) => !url.startsWith(place.edge))).toEqual([]);
    },
  );

  test("the sign-in page likewise", async () => {
    const visitor = await visit(null);
    await visitor.go("keys");
    expect(new URL(visitor.page.url()).pathname).toBe("/portal/sign-in");
    for (const isDark of [false, true]) {
      await setTheme(visitor.page, isDark);
      expect(await findFaults(visitor.page)).toEqual([]);
    }
    for (const viewport of [wide, narrow]) {
      await visitor.page.setViewportSize(viewport);
      await expectNoSideScroll(visitor.page);
    }
    expect(visitor.complaints).toEqual([]);
    await visitor.context.close();
  });
});
