import { setTimeout as sleep } from "node:timers/promises";

/** What somebody sends with every request: a key, or the cookie of who has signed in. */
export type Credentials = Record<string, string>;

/** How a key is shown. */
export function showKey(key: string): Credentials {
  return { authorization: `Bearer ${key}` };
}

/** Asks the edge for JSON. Throws on whatever is not 2xx. */
export async function askEdge<T>(url: string, credentials: Credentials, body?: unknown, method?: string): Promise<T> {
  const response = await sendToEdge(url, credentials, body, method);
  return JSON.parse(await response.text());
}

/**
 * What a browser sends in which somebody has signed in, by the code that this machine shows instead of mailing it;
 * null where it does not.
 */
export async function signIn(edge: string, email: string, name: string): Promise<Credentials | null> {
  const { isLocalMail = false }: { isLocalMail?: boolean } = await askEdge(`${edge}/auth/ways`, {});
  if (!isLocalMail) return null;
  const { localCode }: { localCode: string } = await askEdge(`${edge}/auth/codes`, { origin: edge }, { email });
  const body = { email, code: localCode, name };
  const signedIn = await sendToEdge(`${edge}/auth/sign-in/code`, { origin: edge }, body);
  const cookie = signedIn.headers.getSetCookie().map((set) => set.split(";", 1)[0] ?? "");
  return { origin: edge, cookie: cookie.join("; ") };
}

async function sendToEdge(
  url: string,
  credentials: Credentials,
  body?: unknown,
  method = body === undefined ? "GET" : "POST",
): Promise<Response> {
  const init = {
    method,
    headers: { ...credentials, ...(body !== undefined && { "content-type": "application/json" }) },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  };
  let response = await fetch(url, init);
  // On a busy machine a ledger's first answer can be later than the edge waits: 503 says to repeat it.
  for (let repeats = 0; response.status === 503 && repeats < 5; repeats++) {
    await sleep(1000);
    response = await fetch(url, init);
  }
  if (!response.ok) throw new Error(`${url} answered ${response.status}: ${await response.text()}`);
  return response;
}
