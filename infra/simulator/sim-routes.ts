import type { IncomingMessage, ServerResponse } from "node:http";
import { readBody, sendJson } from "./exchange.ts";
import { readFaultRule, type ActiveFaults } from "./faults.ts";
import { writeError } from "./problems.ts";
import { readSetAnswer, type SetAnswers } from "./set-answers.ts";
import { answerOracle, type OracleRecord } from "./text/oracle.ts";

/** Answers one method of one path. */
export type SimulatorRoute = (request: IncomingMessage, response: ServerResponse, path: string) => void | Promise<void>;

/** What tests lead a simulator by. */
interface SimulatorStrings {
  faults: ActiveFaults;
  answers: SetAnswers;
  records: readonly OracleRecord[];
}

/**
 * The routes that no engine has: what really happened, the faults that strike, the answers that are laid down. What is
 * posted is one item, or all of them under their plural; all or none are taken.
 */
export function makeSimRoutes({
  faults,
  answers,
  records,
}: SimulatorStrings): [string, Record<string, SimulatorRoute>][] {
  return [
    ["/sim/oracle", { GET: ({ url }, response) => sendJson(response, 200, answerOracle(records, url)) }],
    ["/sim/faults", makeListRoutes("faults", faults, readFaultRule)],
    ["/sim/answers", makeListRoutes("answers", answers, readSetAnswer)],
  ];
}

interface List<Item> {
  add(item: Item): void;
  clear(): void;
  list(): unknown;
}

function makeListRoutes<Item>(
  plural: string,
  list: List<Item>,
  read: (value: unknown) => Item,
): Record<string, SimulatorRoute> {
  const send = (response: ServerResponse) => sendJson(response, 200, JSON.stringify({ [plural]: list.list() }));
  return {
    GET: (_, response) => send(response),
    async POST(request, response) {
      const raw = await readBody(request);
      const many = raw[plural];
      try {
        const items = (Array.isArray(many) ? many : [raw]).map((value: unknown) => read(value));
        for (const item of items) list.add(item);
      } catch (cause) {
        if (!(cause instanceof RangeError)) throw cause;
        return sendJson(response, 400, writeError(400, cause.message, "BadRequestError", null));
      }
      send(response);
    },
    DELETE(_, response) {
      list.clear();
      send(response);
    },
  };
}
