import { gzipSync } from "node:zlib";
import { describe, expect, inject, test } from "vitest";
import { pageList } from "#edge/portal/page-list.ts";
import { hasBrowser, visit } from "#test/support/portal/visitor.ts";

const { edge, adminKey } = inject("place");
const firstPageBytesMax = 250_000;

test("each page is a file with the strict policy, and what is none is the API's 404", async () => {
  for (const { name } of pageList) {
    const response = await fetch(`${edge}/portal/${name === "overview" ? "" : name}`);
    expect(response.status).toBe(200);
    expect(response.headers.get("cache-control")).toBe("no-cache");
    const policy = response.headers.get("content-security-policy") ?? "";
    expect(policy).toMatch(/^default-src 'none'; script-src 'self'; style-src 'self'( 'sha256-[\w+/]{43}=')+; /);
    expect(policy).toContain("require-trusted-types-for 'script'; trusted-types vue default");
    expect(policy).not.toMatch(/unsafe|\*|https?:/);
    expect(response.headers.get("referrer-policy")).toBe("no-referrer");
    expect(response.headers.get("x-content-type-options")).toBe("nosniff");
    expect(response.headers.get("x-frame-options")).toBe("DENY");
    await response.arrayBuffer();
  }
  const missing = await fetch(`${edge}/portal/nothing`);
  expect(missing.status).toBe(404);
  expect(await missing.json()).toMatchObject({ error: { code: "unknown_url" } });
});

describe.runIf(hasBrowser())("in a browser", () => {
  test("the first page takes at most 250 KB of JavaScript, gzipped; digests are kept", async () => {
    const visitor = await visit(adminKey);
    await visitor.go("");
    const scripts = visitor.requests.filter((url) => url.endsWith(".js"));
    expect(scripts.length).toBeGreaterThan(3);
    let bytes = 0;
    for (const url of scripts) {
      const response = await fetch(url);
      if (url.includes("/assets/")) expect(response.headers.get("cache-control")).toContain("immutable");
      bytes += gzipSync(Buffer.from(await response.arrayBuffer())).length;
    }
    console.log(`first page: ${(bytes / 1_000).toFixed(0)} KB of JavaScript, gzipped`);
    expect(bytes).toBeLessThanOrEqual(firstPageBytesMax);
    await visitor.context.close();
  });

  test("nothing moves once it stands: the layout shifts by no more than 0.02", async () => {
    const visitor = await visit(adminKey);
    await visitor.context.addInitScript(() => {
      Object.assign(window, { shifted: 0 });
      new PerformanceObserver((list) => {
        for (const entry of list.getEntries())
          if ("value" in entry && "hadRecentInput" in entry && !entry.hadRecentInput)
            Object.assign(window, { shifted: Number(Reflect.get(window, "shifted")) + Number(entry.value) });
      }).observe({ type: "layout-shift", buffered: true });
    });
    for (const page of ["", "keys", "models"]) {
      await visitor.go(page);
      expect(await visitor.page.evaluate("window.shifted"), page).toBeLessThanOrEqual(0.02);
    }
    await visitor.context.close();
  });
});
