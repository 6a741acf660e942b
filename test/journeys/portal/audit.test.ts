import { describe, expect, inject, test } from "vitest";
import { hasBrowser, visit } from "#test/support/portal/visitor.ts";
import { worldAt } from "#test/support/stack/world.ts";

const place = inject("place");
const world = worldAt(place);

describe.runIf(hasBrowser())("the audit page", () => {
  test("what was changed stands there; the export is saved, and its chain reckoned again on this machine", async () => {
    const { id: org } = await world.must("POST", "/orgs", { name: "test" });
    await world.newKey(org, { name: "a key" });
    const visitor = await visit(place.adminKey);
    const { page } = visitor;
    await visitor.go(`audit?org=${org}&action=key.created`);
    await page.getByText("key.created").waitFor();
    expect(await page.getByText("org.created").count()).toBe(0);
    const saved = page.waitForEvent("download");
    await page.getByRole("button", { name: "Export and verify" }).click();
    expect((await saved).suggestedFilename()).toBe(`audit-${org}.jsonl`);
    await page.getByText(/Chain verified: \d+ entries\./).waitFor();
    expect(visitor.complaints).toEqual([]);
    await visitor.context.close();
  });
});
