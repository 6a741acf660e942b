import type { Resolver } from "../../control/http/port.ts";
import { OutOfReach } from "../../errors.ts";
import { readCapped } from "./read-capped.ts";

/** How a name server is asked: where, how long it may take, and with which `fetch`. */
export interface DohTerms {
  url: string;
  waitMsMax: number;
  fetch: typeof fetch;
}

const recordTypes = { A: 1, AAAA: 28, TXT: 16 } as const;
const answerBytesMax = 64 * 1024;
const [noError, noSuchName] = [0, 3];

/**
 * Looks names up by DNS over HTTPS with JSON answers (`application/dns-json`), both kinds of addresses, and texts.
 * A name that is not there has none; throws an OutOfReach when the server fails or says anything else.
 */
export function dohResolver(terms: DohTerms): Resolver {
  return {
    async resolve(name) {
      const answers = await Promise.all([askFor(terms, name, "A"), askFor(terms, name, "AAAA")]);
      return answers.flat();
    },
    async readTexts(name) {
      return (await askFor(terms, name, "TXT")).map(joinText);
    },
  };
}

async function askFor(
  { url, waitMsMax, fetch }: DohTerms,
  name: string,
  type: keyof typeof recordTypes,
): Promise<string[]> {
  const question = new URL(url);
  question.searchParams.set("name", name);
  question.searchParams.set("type", type);
  const text = await fetch(question.href, {
    headers: { accept: "application/dns-json" },
    redirect: "manual",
    signal: AbortSignal.timeout(waitMsMax),
  })
    .then(async (response) => {
      const body = await readCapped(response, answerBytesMax);
      return response.ok ? body : null;
    })
    .catch(() => null);
  const answer = readAnswer(text);
  if (!answer || (answer.Status !== noError && answer.Status !== noSuchName))
    throw new OutOfReach("the name server gives no answer");
  return (answer.Answer ?? []).filter((record) => record.type === recordTypes[type]).map(({ data }) => data);
}

/** A record's text: servers write it in quotes, a long one in several, and some without. */
function joinText(data: string): string {
  const parts = data.match(/"(?:[^"\\]|\\.)*"/g);
  return parts ? parts.map((part) => part.slice(1, -1).replaceAll(/\\(.)/g, "$1")).join("") : data;
}

interface DohAnswer {
  Status: number;
  Answer?: { type: number; data: string }[];
}

function readAnswer(text: string | null): DohAnswer | null {
  try {
    const parsed = JSON.parse(text ?? "") as Partial<DohAnswer> | null;
    const { Status, Answer = [] } = parsed ?? {};
    const isRight =
      Array.isArray(Answer) && Answer.every(({ type, data }) => Number.isInteger(type) && typeof data === "string");
    return typeof Status === "number" && isRight ? { Status, Answer } : null;
  } catch {
    return null;
  }
}
