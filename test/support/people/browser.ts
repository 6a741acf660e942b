import { createHmac, randomUUID } from "node:crypto";

export interface Said {
  status: number;
  // oxlint-disable-next-line typescript/no-explicit-any -- an answer whose shape is what the journey asserts
  body: any;
  headers: Headers;
  cookies: string[];
}

type Fetch = (url: string, init: RequestInit) => Promise<Response>;

/** A browser as far as sign-in needs one: it keeps cookies, and says where its page is from. */
export function openBrowser(edge: string, base: Record<string, string> = {}, reach: Fetch = fetch) {
  const jar = new Map<string, string>();
  const cookie = () => Array.from(jar, ([name, value]) => `${name}=${value}`).join("; ");
  const send = async (
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string | null> = {},
  ): Promise<Said> => {
    const all: Record<string, string | null> = {
      ...base,
      ...(method !== "GET" && { origin: edge, "content-type": "application/json" }),
      ...(jar.size > 0 && { cookie: cookie() }),
      ...headers,
    };
    const sent = Object.entries(all).filter((pair): pair is [string, string] => pair[1] !== null);
    const answer = await reach(path.startsWith("http") ? path : edge + path, {
      method,
      redirect: "manual",
      headers: sent,
      ...(body !== undefined && { body: typeof body === "string" ? body : JSON.stringify(body) }),
    });
    const cookies = answer.headers.getSetCookie();
    for (const one of cookies) keep(jar, one);
    const text = await answer.text();
    const isJson = answer.headers.get("content-type")?.startsWith("application/json") === true;
    return { status: answer.status, body: isJson ? JSON.parse(text) : text, headers: answer.headers, cookies };
  };
  const askCode = async (email: string): Promise<string> => {
    const { status, body } = await send("POST", "/auth/codes", { email });
    if (status !== 200) throw new Error(`no code: ${status} ${JSON.stringify(body)}`);
    return body.localCode;
  };
  return {
    jar,
    cookie,
    send,
    askCode,
    /** By a code, up to the second factor if there is one. */
    async signIn(email: string): Promise<Said> {
      return send("POST", "/auth/sign-in/code", { email, code: await askCode(email) });
    },
  };
}
export type Browser = ReturnType<typeof openBrowser>;

/** An address that nobody else uses, in a name that is nobody's. */
export const newEmail = (): string => `${randomUUID()}@people.example.test`;

function keep(jar: Map<string, string>, cookie: string): void {
  const [pair = "", ...attributes] = cookie.split(/;\s*/);
  const at = pair.indexOf("=");
  const isOver = attributes.some((attribute) => /^max-age=0$/i.test(attribute));
  if (isOver) jar.delete(pair.slice(0, at));
  else jar.set(pair.slice(0, at), pair.slice(at + 1));
}

/** The code of an authenticator app (RFC 6238, SHA-1, six digits, 30 s) for what its QR code says. */
export function computeTotp(uri: string, atMs: number): string {
  const secret = new URL(uri).searchParams.get("secret") ?? "";
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(atMs / 30_000)));
  const mac = createHmac("sha1", decodeBase32(secret)).update(counter).digest();
  const at = (mac.at(-1) ?? 0) & 15;
  return String((mac.readUInt32BE(at) & 0x7fffffff) % 1_000_000).padStart(6, "0");
}

function decodeBase32(text: string): Buffer {
  const bits = Array.from(text.replace(/=+$/, ""), (letter) =>
    "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".indexOf(letter).toString(2).padStart(5, "0"),
  ).join("");
  return Buffer.from(bits.match(/.{8}/g)?.map((byte) => Number.parseInt(byte, 2)) ?? []);
}
