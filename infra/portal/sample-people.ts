/** Somebody signed in, as far as the API asks: what a browser of hers sends. */
export type SignedInHeaders = Record<string, string>;

/** Sends as her; what is refused throws. */
export async function sendAs(
  edge: string,
  headers: SignedInHeaders,
  [method, path, body]: readonly [method: string, path: string, body?: unknown],
): Promise<Record<string, unknown>> {
  const response = await sendRaw(edge, headers, [method, path, body]);
  return response.json();
}

async function sendRaw(
  edge: string,
  headers: SignedInHeaders,
  [method, path, body]: readonly [method: string, path: string, body?: unknown],
): Promise<Response> {
  const response = await fetch(edge + path, {
    method,
    headers: { "content-type": "application/json", ...headers },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
  return response;
}

/** Signs somebody in by the code that a stack without a mailer answers with. */
export async function signInPerson(edge: string, email: string, name: string): Promise<SignedInHeaders> {
  const origin = { origin: edge };
  const { localCode } = await sendAs(edge, origin, ["POST", "/auth/codes", { email }]);
  const signedIn = await sendRaw(edge, origin, ["POST", "/auth/sign-in/code", { email, code: localCode, name }]);
  const cookies = signedIn.headers.getSetCookie().map((set) => set.split(";", 1)[0] ?? "");
  return { ...origin, cookie: cookies.join("; ") };
}
