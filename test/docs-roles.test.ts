import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { actions, memberRoles, permissions } from "#edge/control/permissions.ts";

const columns = [...memberRoles, "operator"] as const;
const [start, end] = [
  "<!-- roles: from permissions.ts, by `npx vitest run test/docs-roles -u` -->",
  "<!-- end of roles -->",
];

test("docs/people.md has the table of roles (S14)", async () => {
  const page = readFileSync(new URL("../docs/people.md", import.meta.url), "utf8");
  const rows = actions
    .filter((action) => columns.some((role) => permissions[action][role]))
    .map((action) => {
      const cells = columns.map((role) => ({ all: "✓", own: "own", none: "" })[permissions[action][role] ?? "none"]);
      return `| \`${action}\` | ${cells.join(" | ")} |`;
    });
  const table = [`| action | ${columns.join(" | ")} |`, `|---|${columns.map(() => "---|").join("")}`, ...rows].join(
    "\n",
  );
  const [before = "", rest = ""] = page.split(start);
  const [, after = ""] = rest.split(end);
  expect(after).not.toBe("");
  await expect(`${before}${start}\n\n${table}\n\n${end}${after}`).toMatchFileSnapshot("../docs/people.md");
});
