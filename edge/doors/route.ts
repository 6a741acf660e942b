import { z } from "zod";
import type { CallEndpoint } from "../agreements/paths.ts";

/** The methods that routes answer with a handler of their own; HEAD follows GET, and OPTIONS is answered everywhere. */
const Method = z.enum(["GET", "POST", "PUT", "PATCH", "DELETE"]);
/** One of those methods. */
export type Method = z.infer<typeof Method>;

/** What the OpenAPI document says of one method at one path; `body` is what the request must hold. */
export interface Operation {
  operationId: string;
  summary: string;
  body?: z.ZodType;
}

/** The operations of a path, by method. */
export type Operations = Partial<Record<Method, Operation>>;

/** A row of the route table. */
export interface DoorRoute {
  /** As OpenAPI writes it; `{name...}` takes the rest of the path, slashes and all. */
  path: string;
  operations: Operations;
  door: "calls" | "site" | "nodes" | "control";
  /** What a caller has to show. */
  auth: "apiKey" | "adminKey" | "session" | "bootstrapToken" | "nodeSignature" | "none";
  /** Which endpoint of the engines this is, if it is one. */
  endpoint: CallEndpoint | null;
  /** Is a node asked, though it is no call to a model? */
  needsNode?: true;
  /** Is each call counted for the caller's address? Where nodes call, only a signature that is no good is. */
  isCounted: boolean;
  /** May pages of any origin call this? */
  hasCors: boolean;
  /** Where another site sends browsers back to: nobody calls it, so it is in no document. */
  isUndocumented?: true;
  /** Why a path that callers know takes no method here, as a sentence. Such a path is in no document. */
  refused?: string;
}

/** Reads the name of a method, in any case; throws on one that no route has. */
export function readMethod(text: string): Method {
  return Method.parse(text.toUpperCase());
}

/** The methods that a route answers, as the header `Allow` names them. */
export function listMethods(route: DoorRoute): string[] {
  const methods = Method.options.filter((method) => route.operations[method]);
  return [...methods.flatMap((method) => (method === "GET" ? ["GET", "HEAD"] : [method])), "OPTIONS"];
}

/** Does the route answer this method? HEAD is answered as GET is, and OPTIONS everywhere. */
export function takesMethod(route: DoorRoute, method: string): boolean {
  return listMethods(route).includes(method);
}
