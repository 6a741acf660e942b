import { expect, test } from "vitest";
import type { Member, MemberTable } from "#edge/protocol/openai/members/member.ts";
import { memberTables } from "#edge/protocol/openai/members/parse.ts";

const endpoints = {
  "chat.completions": "Chats",
  completions: "Completions",
  embeddings: "Embeddings",
  rerank: "Reranking",
  score: "Scoring",
} as const;

const fates: Record<Member["fate"], string> = {
  forwarded: "goes to the engine",
  ours: "read; the engine gets ours",
  accepted: "accepted, not forwarded",
  refused: "400",
};

function writeTable(table: MemberTable): string {
  const rows = Object.entries(table).map(([name, member]) => {
    const why = member.fate === "refused" ? `not supported: ${member.instead}` : member.why;
    return `| \`${name}\` | ${fates[member.fate]} | ${why} |`;
  });
  return ["| member | what becomes of it | why |", "|---|---|---|", ...rows].join("\n");
}

const page = `# Members of a request's body

What becomes of each member, and why. This page is written from the tables that calls are read by
(\`edge/protocol/openai/members/\`, \`edge/protocol/ranking/\`), by \`test/docs-members.test.ts\`.

- A member that **stands in no table** is not forwarded. The answer names it: \`x-penstock-ignored: a,messages[].b\`.
- \`null\` means not sent; so does an empty string, list or object where a list or an object may be left out.
- Bounds are in [openapi.json](api.md) and \`edge/limits.ts\`; what is out of bounds is a 400 that names the member.
- \`POST /text2sql\` takes what chats take, and may leave out the model.
- An agent reads every body by the same tables again: it trusts no edge.
- Inside: messages, parts, tool calls, tools, formats and template switches have tables of their own there. Parts are
  text, and the media that the model's record names (\`mediaTokensMax\`).

${Object.entries(endpoints)
  .map(([endpoint, title]) => `## ${title}\n\n${writeTable(memberTables[endpoint as keyof typeof endpoints])}\n`)
  .join("\n")}`;

test("docs/members.md is what the tables say (`npx vitest run test/docs -u` writes it)", async () => {
  await expect(page).toMatchFileSnapshot("../docs/members.md");
});
