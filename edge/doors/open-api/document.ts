import { openApiDocument, type DescribedOperation, type OpenApiDocument } from "../../control/http/open-api.ts";
import { isObject } from "../../agreements/json.ts";
import { routes } from "../routes.ts";
import { readMethod, type DoorRoute } from "../route.ts";
import { requestExamples } from "./examples.ts";
import { writeOperation, writeRefused } from "./operations.ts";
import { everyHeaders } from "../../protocol/headers.ts";
import { writeRefusals } from "./refusals.ts";
import { writeSchemas } from "./schemas.ts";

const tags = [
  { name: "inference", description: "Calls to models, with an inference key." },
  { name: "orgs", description: "Orgs and their limits, with an admin key." },
  { name: "people", description: "Who asks, members, invitations, and who operates this gateway." },
  { name: "projects", description: "Projects of an org, and its service accounts." },
  { name: "keys", description: "Keys of an org, with an admin key." },
  { name: "usage", description: "What was used and what it cost, with an admin key." },
  { name: "costs", description: "Costs by month, statements, budgets, and prices." },
  { name: "audit", description: "Who did what to an org, with an admin key." },
  { name: "openai-admin", description: "The same in the forms of OpenAI's admin API, with an admin key." },
  { name: "webhooks", description: "Where an org's events are sent, and what became of each." },
  { name: "events", description: "What happened in an org." },
  { name: "models", description: "The models that an org may use, and what they cost." },
  { name: "nodes", description: "The nodes, for operators." },
  { name: "sign-in", description: "How people sign in, from this gateway's own pages." },
  { name: "site", description: "What anybody may read." },
];

/**
 * The OpenAPI 3.1 document of all that callers reach, from the route table: what nodes send is not in it. It is the
 * same on every call, so whoever serves it may keep it.
 */
export function writeOpenApi(): OpenApiDocument {
  const control = openApiDocument();
  const paths = routes
    .filter(({ door, refused, isUndocumented }) => door !== "nodes" && refused === undefined && !isUndocumented)
    .map((route) => [nameTemplate(route.path), writePath(route, control)] as const);
  const { schemas, securitySchemes, ...rest } = control.components ?? {};
  const document = {
    ...control,
    info: { ...control.info, license: { name: "Apache-2.0", identifier: "Apache-2.0" } },
    tags,
    paths: Object.fromEntries(paths),
    components: {
      ...rest,
      securitySchemes: {
        ...securitySchemes,
        apiKeyHeader: { type: "apiKey", in: "header", name: "x-api-key", description: "An inference key." },
        azureKeyHeader: { type: "apiKey", in: "header", name: "api-key", description: "An inference key." },
      },
      schemas: { ...schemas, ...writeSchemas() },
      responses: writeRefusals(),
    },
  };
  return JSON.parse(JSON.stringify(document), tellDefault);
}

/** `{id...}` is our own way to say that a step may have slashes in it. */
function nameTemplate(path: string): string {
  return path.replaceAll("...}", "}");
}

function writePath(route: DoorRoute, control: OpenApiDocument): Record<string, DescribedOperation> {
  const operations = Object.entries(route.operations).map(([name, operation]) => {
    const method = readMethod(name);
    const verb = name.toLowerCase();
    if (route.door !== "control") return [verb, writeOperation(route, method, operation)] as const;
    const described = control.paths?.[route.path]?.[verb];
    return [verb, completeControl(described, operation.operationId, writeRefused(route, method))] as const;
  });
  return Object.fromEntries(operations);
}

/** What the control plane's document says of an operation, with headers, an example, and each refusal by its status. */
function completeControl(
  described: DescribedOperation | undefined,
  operationId: string,
  refused: Record<string, object>,
): DescribedOperation {
  const { default: _, ...answers } = described?.responses ?? {};
  const body = described?.requestBody;
  const example = requestExamples[operationId];
  const json = { ...body?.content?.["application/json"], ...(example && { example }) };
  const answered = Object.entries(answers).map(([status, answer]) => [status, { ...answer, headers: everyHeaders }]);
  return {
    ...described,
    ...(body && { requestBody: { ...body, content: { "application/json": json } } }),
    responses: { ...Object.fromEntries(answered), ...refused },
  };
}

/** Generators take a member with a default for one that must be sent, so the default is told in words. */
function tellDefault(_: string, value: unknown): unknown {
  if (!isObject(value) || !("default" in value) || !("type" in value)) return value;
  const { default: usual, description, ...rest } = value;
  const words = [description, `${JSON.stringify(usual)} where it is not sent.`].filter((part) => part !== undefined);
  return { ...rest, description: words.join(" ") };
}
