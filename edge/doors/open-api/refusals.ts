import { Refusal, refusalCodes, refusals } from "../../errors.ts";
import {
  everyHeaders,
  limitHeaders,
  messagesHeaders,
  refusalHeaders,
  type HeaderFact,
} from "../../protocol/headers.ts";
import type { Wire } from "../../protocol/wires/wire.ts";
import { findProtocol, protocols } from "../../protocol/wires/wires.ts";
import type { Method, DoorRoute } from "../route.ts";
import { sitePaths } from "../site-paths.ts";
import { refer, type AnswerName } from "./schemas.ts";

const callStatuses = [400, 403, 404, 408, 409, 413, 415, 502, 503, 504];

/** Operations whose refusals look alike: how their components are called, and what a refusal is made of. */
interface RefusalFamily {
  prefix: string;
  schema: AnswerName | "Error";
  /** What those get who speak another protocol than the route's. */
  orSchema?: AnswerName;
  /** With which statuses its operations may be refused; any, unless it is said. */
  statuses?: readonly number[];
  wire: Wire;
  headers: Readonly<Record<string, HeaderFact>>;
}

const openai: RefusalFamily = { prefix: "Refused", schema: "Error", wire: protocols.openai, headers: {} };
const anthropic: RefusalFamily = {
  prefix: "MessagesRefused",
  schema: "MessageError",
  wire: protocols.anthropic,
  headers: messagesHeaders,
};
const ollama: RefusalFamily = { prefix: "OllamaRefused", schema: "OllamaError", wire: protocols.ollama, headers: {} };
/** The list of models, which each client gets in its own form. */
const models: RefusalFamily = {
  prefix: "ModelsRefused",
  schema: "Error",
  orSchema: "MessageError",
  statuses: [400, 401, 403, 404, 405, 429, 500, 503],
  wire: protocols.openai,
  headers: {},
};
const families = [openai, anthropic, ollama, models];
const modelPaths: readonly string[] = [sitePaths.models, sitePaths.model];

/** The family of a route's refusals. */
export function findFamily({ path }: DoorRoute): RefusalFamily {
  if (modelPaths.includes(path)) return models;
  return { openai, anthropic, ollama }[findProtocol(path, new Headers())];
}

/** With which statuses this operation may be refused. */
export function listRefusals(route: DoorRoute, method: Method): number[] {
  const statuses = new Set([405, 500]);
  const add = (condition: boolean, ...more: number[]) => condition && more.forEach((status) => statuses.add(status));
  const isControl = route.door === "control";
  add(route.isCounted, 429);
  add(route.auth !== "none", 401, 503);
  add(route.endpoint !== null, ...callStatuses);
  add(route.needsNode === true, 400, 404, 502, 503, 504);
  add(route.path.includes("{"), 404);
  add(method !== "GET" && (route.auth !== "none" || isControl), 400, 403, 404, 408, 413, 415, 429);
  add(route.auth === "apiKey", 403);
  add(route.path === sitePaths.models, 400);
  add(route.path === sitePaths.response || route.path === sitePaths.responseItems, 400, 413);
  add(route.path === sitePaths.leaks, 400, 401, 408, 413, 415, 503);
  add(isControl, 400, 403, 404, 409, 502, 503);
  add(isControl && method === "PATCH", 412);
  const { wire } = findFamily(route);
  const own = listCodes()
    .filter(({ status }) => statuses.has(status))
    .map((refusal) => wire.readStatus(refusal));
  return Array.from(new Set(own)).toSorted((a, b) => a - b);
}

/** Every refusal as a component, one for each status of each family; each code is an example. */
export function writeRefusals(): Record<string, object> {
  return Object.fromEntries(
    families.flatMap((family) => {
      const statuses = new Set(listCodes().map((refusal) => family.wire.readStatus(refusal)));
      const mayBe = (status: number) => family.statuses?.includes(status) ?? (family === openai || status !== 412);
      const own = Array.from(statuses).filter(mayBe);
      return own.map((status) => [`${family.prefix}${status}`, writeRefusal(status, family)]);
    }),
  );
}

/** The component that tells of refusals with this status. */
export function referRefusal(status: number, { prefix }: Pick<RefusalFamily, "prefix"> = openai) {
  return { $ref: `#/components/responses/${prefix}${status}` };
}

/** Headers as an answer's description lists them. */
export function writeHeaders(headers: Readonly<Record<string, HeaderFact>>): Record<string, HeaderFact> {
  return { ...everyHeaders, ...headers };
}

function listCodes(): Refusal[] {
  return Object.keys(refusals).map((code) => new Refusal(refusalCodes.parse(code)));
}

function writeRefusal(status: number, { schema, orSchema, wire, headers }: RefusalFamily): object {
  const codes = listCodes().filter((refusal) => wire.readStatus(refusal) === status);
  const inWords = ({ code }: Refusal) => refusals[code].message;
  const examples = codes.map((refusal) => {
    return [refusal.code, { summary: inWords(refusal), value: wire.buildError(refusal, "req_0123456789abcdef") }];
  });
  return {
    description: codes.map((refusal) => `\`${refusal.code}\`: ${inWords(refusal)}`).join("\n\n"),
    headers: writeHeaders({
      ...refusalHeaders,
      ...(status === 401 && {
        "www-authenticate": { description: "`Bearer`.", schema: { type: "string" } },
      }),
      ...(status === 405 && {
        allow: { description: "The methods that the URL takes.", schema: { type: "string" } },
      }),
      ...(status === 429 && limitHeaders),
      ...headers,
    }),
    content: {
      "application/json": {
        schema: orSchema ? { anyOf: [refer(schema), refer(orSchema)] } : refer(schema),
        examples: Object.fromEntries(examples),
      },
    },
  };
}
