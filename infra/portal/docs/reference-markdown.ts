import { listNamed, writeShape, type ShapeSchema } from "./type-text.ts";

/** A page of the reference as Markdown. */
export interface ReferencePage {
  title: string;
  twin: string;
  summary: string;
  markdown: string;
}

/** What we read of the OpenAPI document. */
export interface ReadDocument {
  info: { title: string; description?: string };
  tags?: { name: string; description?: string }[];
  paths?: Record<string, Record<string, ReadOperation>>;
  components?: {
    schemas?: Record<string, ShapeSchema>;
    securitySchemes?: Record<string, { description?: string }>;
  };
}

interface ReadOperation {
  operationId?: string;
  summary?: string;
  description?: string;
  tags?: string[];
  security?: Record<string, unknown>[];
  parameters?: { name: string; in: string; required?: boolean; description?: string; schema?: ShapeSchema }[];
  requestBody?: { content?: Record<string, { schema?: ShapeSchema; example?: unknown }> };
  responses?: Record<
    string,
    { $ref?: string; description?: string; content?: Record<string, { schema?: ShapeSchema }> }
  >;
}

interface NamedOperation extends ReadOperation {
  method: string;
  path: string;
}

/**
 * The API as Markdown, from its OpenAPI document: a list of every operation, and a page for each group of them with the
 * shapes that they name. One page of everything would be longer than anybody, or any model, reads at once.
 */
export function writeReference(document: ReadDocument): ReferencePage[] {
  const groups = Map.groupBy(listOperations(document), ({ tags }) => tags?.[0] ?? "other");
  const pages = [...groups].map(([tag, operations]) => writeGroup(document, tag, operations));
  const rows = [...groups].map(([tag, operations]) => {
    const list = operations.map(({ method, path, summary }) => `- \`${method} ${path}\` ${summary ?? ""}`.trimEnd());
    return `## [${tag}](reference/${tag}.md)\n\n${list.join("\n")}`;
  });
  const summary = "Every operation of the API, in a line each.";
  const ways = Object.entries(document.components?.securitySchemes ?? {})
    .filter(([, { description }]) => description !== undefined)
    .map(([name, { description }]) => `- \`${name}\`: ${description}`);
  const markdown = `# Reference

${document.info.description ?? ""} Written from \`/openapi.json\`. Refusals are those of [errors](errors.md).

Who asks shows one of these:

${ways.join("\n")}

${rows.join("\n\n")}
`;
  return [{ title: "Reference", twin: "/docs/reference.md", summary, markdown }, ...pages];
}

function listOperations({ paths = {} }: ReadDocument): NamedOperation[] {
  return Object.entries(paths).flatMap(([path, operations]) =>
    Object.entries(operations).map(([verb, operation]) => ({ ...operation, method: verb.toUpperCase(), path })),
  );
}

function writeGroup(document: ReadDocument, tag: string, operations: NamedOperation[]): ReferencePage {
  const schemas = document.components?.schemas ?? {};
  const title = `Reference: ${tag}`;
  const summary = document.tags?.find(({ name }) => name === tag)?.description ?? "";
  const shapes = listNamed(operations, schemas).map((name) => `type ${name} = ${writeShape(schemas[name] ?? {})};`);
  const parts = [
    `# ${title}`,
    summary,
    ...operations.map(writeOperation),
    "## Shapes",
    fence("ts", shapes.join("\n\n")),
  ];
  const markdown = `${parts.filter((part) => part !== "").join("\n\n")}\n`;
  return { title, twin: `/docs/reference/${tag}.md`, summary, markdown };
}

function writeOperation(operation: NamedOperation): string {
  const { method, path, summary = "", description = "", parameters = [], requestBody, responses = {} } = operation;
  const by = (operation.security ?? []).flatMap((way) => Object.keys(way)).map((name) => `\`${name}\``);
  const given = parameters.map(({ name, in: place, required, description: what, schema }) => {
    const type = writeShape(schema ?? {});
    return `- ${place} \`${name}\`${required ? "" : "?"}: ${type}${what === undefined ? "" : `. ${what}`}`;
  });
  const bodies = Object.entries(requestBody?.content ?? {}).map(([type, { schema, example }]) => {
    const shown = example === undefined ? "" : `\n\n${fence("json", JSON.stringify(example, null, 2))}`;
    return `Body, \`${type}\`: ${writeShape(schema ?? {})}${shown}`;
  });
  const told = Object.entries(responses).filter(([status]) => /^[23]/.test(status));
  const answers = told.map(([status, { description: what = "", content = {} }]) => {
    const types = Object.entries(content).map(([type, { schema }]) => `\`${type}\` ${writeShape(schema ?? {})}`);
    return `- ${status}: ${[what, types.join("; ")].filter((part) => part !== "").join(" ")}`;
  });
  const refused = Object.keys(responses).filter((status) => /^[45]/.test(status));
  return [
    `## ${method} ${path}`,
    [`${summary}.`, description, by.length === 0 ? "" : `By ${by.join(" or ")}.`]
      .filter((part) => part !== "")
      .join(" "),
    given.join("\n"),
    ...bodies,
    `Answers:\n\n${answers.join("\n")}${refused.length === 0 ? "" : `\n- refused: ${refused.join(", ")}`}`,
  ]
    .filter((part) => part !== "")
    .join("\n\n");
}

function fence(language: string, text: string): string {
  return `\`\`\`${language}\n${text}\n\`\`\``;
}
