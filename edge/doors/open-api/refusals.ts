import { Refusal, refusalCodes, refusals } from "../../errors.ts";
import { everyHeaders, limitHeaders, refusalHeaders, type HeaderFact } from "../../protocol/headers.ts";
import { protocols, type Protocol } from "../../protocol/wires/wires.ts";
import type { Method, DoorRoute } from "../route.ts";
import { refer } from "./schemas.ts";

const callStatuses = [400, 403, 404, 408, 409, 413, 415, 502, 503, 504];

/** With which statuses this operation may be refused. */
export function listRefusals(route: DoorRoute, method: Method): number[] {
  const statuses = new Set([405, 500]);
  const add = (condition: boolean, ...more: number[]) => condition && more.forEach((status) => statuses.add(status));
  const isControl = route.door === "control";
  add(route.isCounted, 429);
  add(route.auth !== "none", 401, 503);
  add(route.endpoint !== null, ...callStatuses);
  add(route.path.includes("{"), 404);
  add(method !== "GET" && route.auth !== "none", 400, 403, 404, 408, 413, 415, 429);
  add(route.auth === "apiKey", 403);
  add(isControl, 400, 403, 404, 409);
  return Array.from(statuses).toSorted((a, b) => a - b);
}

/** Under which name the document keeps the form of each protocol's refusals, and what stands in their own names. */
const forms = {
  openai: { schema: "Error", prefix: "" },
  anthropic: { schema: "Error", prefix: "" },
  ollama: { schema: "OllamaError", prefix: "Ollama" },
} as const satisfies Record<Protocol, object>;

/** Every refusal as a component, one for each status and protocol; each code is an example. */
export function writeRefusals(): Record<string, object> {
  const statuses = new Set(Object.values(refusals).map(({ status }) => status));
  const written = (["openai", "ollama"] as const).flatMap((protocol) =>
    Array.from(statuses, (status) => [nameRefusal(status, protocol), writeRefusal(status, protocol)] as const),
  );
  return Object.fromEntries(written);
}

/** The component that tells of refusals with this status. */
export function referRefusal(status: number, protocol: Protocol = "openai") {
  return { $ref: `#/components/responses/${nameRefusal(status, protocol)}` };
}

/** Headers as an answer's description lists them. */
export function writeHeaders(headers: Readonly<Record<string, HeaderFact>>): Record<string, HeaderFact> {
  return { ...everyHeaders, ...headers };
}

function nameRefusal(status: number, protocol: Protocol): string {
  return `${forms[protocol].prefix}Refused${status}`;
}

function writeRefusal(status: number, protocol: Protocol): object {
  const { buildError } = protocols[protocol];
  const codes = Object.entries(refusals).filter(([, row]) => row.status === status);
  const examples = codes.map(([code, { message }]) => {
    return [code, { summary: message, value: buildError(new Refusal(refusalCodes.parse(code)), "") }] as const;
  });
  return {
    description: codes.map(([code, { message }]) => `\`${code}\`: ${message}`).join("\n\n"),
    headers: writeHeaders({
      ...refusalHeaders,
      ...(status === 401 && {
        "www-authenticate": { description: "`Bearer`.", schema: { type: "string" } },
      }),
      ...(status === 405 && {
        allow: { description: "The methods that the URL takes.", schema: { type: "string" } },
      }),
      ...(status === 429 && limitHeaders),
    }),
    content: { "application/json": { schema: refer(forms[protocol].schema), examples: Object.fromEntries(examples) } },
  };
}
