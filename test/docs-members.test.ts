import { expect, test } from "vitest";
import { messagesMembers } from "#edge/protocol/anthropic/members.ts";
import type { Member, MemberTable } from "#edge/protocol/openai/members/member.ts";
import { ollamaChatMembers, ollamaEmbedMembers, ollamaGenerateMembers } from "#edge/protocol/ollama/members.ts";
import { optionMembers } from "#edge/protocol/ollama/options.ts";
import { memberTables } from "#edge/protocol/openai/members/parse.ts";
import { responsesMembers } from "#edge/protocol/openai/responses/members.ts";

const tables: readonly [title: string, table: MemberTable][] = [
  ["Chats", memberTables["chat.completions"]],
  ["Completions", memberTables.completions],
  ["Embeddings", memberTables.embeddings],
  ["Reranking", memberTables.rerank],
  ["Scoring", memberTables.score],
  ["Transcriptions", memberTables["audio.transcriptions"]],
  ["Translations", memberTables["audio.translations"]],
  ["Speech", memberTables["audio.speech"]],
  ["Images", memberTables["images.generations"]],
  ["Responses", responsesMembers],
  ["Ollama: chats", ollamaChatMembers],
  ["Ollama: generations", ollamaGenerateMembers],
  ["Ollama: embeddings", ollamaEmbedMembers],
  ["Ollama: options", optionMembers],
];

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
(\`edge/protocol/openai/members/\`, \`edge/protocol/ranking/\`, \`edge/protocol/media/\`), by
\`test/docs-members.test.ts\`.

- A member that **stands in no table** is not forwarded. The answer names it: \`x-penstock-ignored: a,messages[].b\`.
- \`null\` means not sent; so does an empty string, list or object where a list or an object may be left out.
- Bounds are in [openapi.json](api.md) and \`edge/limits.ts\`; what is out of bounds is a 400 that names the member.
- \`POST /text2sql\` takes what chats take, and may leave out the model.
- \`POST /v1/responses\` is read as a chat, whose tables it then passes.
- An agent reads every body by the same tables again: it trusts no edge.
- A call in Ollama's API is read by its own table, and what that comes to as a chat or as embeddings by theirs.
- Inside: messages, parts, tool calls, tools, formats and template switches have tables of their own there. Parts are
  text, and the media that the model's record names (\`mediaTokensMax\`).

${tables.map(([title, table]) => `## ${title}\n\n${writeTable(table)}\n`).join("\n")}
## Messages

\`POST /v1/messages\` is read by \`edge/protocol/anthropic/members.ts\`; a member without a row there goes by the table
of chats.

${writeTable(messagesMembers)}
`;

test("docs/members.md is what the tables say (`npx vitest run test/docs -u` writes it)", async () => {
  await expect(page).toMatchFileSnapshot("../docs/members.md");
});
