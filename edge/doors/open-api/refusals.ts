import { buildErrorBody, Refusal, refusalCodes, refusals } from "../../errors.ts";
import { everyHeaders, limitHeaders, refusalHeaders, type HeaderFact } from "../../protocol/headers.ts";
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
  add(route.needsNode === true, 400, 404, 502, 503, 504);
  add(route.path.includes("{"), 404);
  add(method !== "GET" && route.auth !== "none", 400, 403, 404, 408, 413, 415, 429);
  add(route.auth === "apiKey", 403);
  add(isControl, 400, 403, 404, 409);
  return Array.from(statuses).toSorted((a, b) => a - b);
}

/** Every refusal as a component, one for each status; each code is an example. */
export function writeRefusals(): Record<string, object> {
  const statuses = new Set(Object.values(refusals).map(({ status }) => status));
  return Object.fromEntries(Array.from(statuses, (status) => [nameRefusal(status), writeRefusal(status)]));
}

/** The component that tells of refusals with this status. */
export function referRefusal(status: number) {
  return { $ref: `#/components/responses/${nameRefusal(status)}` };
}

/** Headers as an answer's description lists them. */
export function writeHeaders(headers: Readonly<Record<string, HeaderFact>>): Record<string, HeaderFact> {
  return { ...everyHeaders, ...headers };
}

function nameRefusal(status: number): string {
  return `Refused${status}`;
}

function writeRefusal(status: number): object {
  const codes = Object.entries(refusals).filter(([, row]) => row.status === status);
  const examples = codes.map(([code, { message }]) => {
    return [code, { summary: message, value: buildErrorBody(new Refusal(refusalCodes.parse(code))) }] as const;
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
    content: { "application/json": { schema: refer("Error"), examples: Object.fromEntries(examples) } },
  };
}
