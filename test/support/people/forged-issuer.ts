import { createServer } from "node:http";
import { exportJWK, generateKeyPair, SignJWT, type JWTPayload } from "jose";

/** What an issuer says that lies: of each token, and of itself. */
export interface Forgery {
  /** Claims that take the place of the right ones; `undefined` leaves one out. */
  claims: Record<string, unknown>;
  metadata: Record<string, unknown>;
  /** Signs with a key that it does not publish. */
  isOtherKey: boolean;
  status: number;
  /** What the token endpoint was sent. */
  asked: { authorization: string | undefined; body: URLSearchParams }[];
  userInfo: Record<string, unknown> | null;
}

const right = (): Forgery => ({
  claims: {},
  metadata: {},
  isOtherKey: false,
  status: 200,
  asked: [],
  userInfo: null,
});

/** An issuer that says what a test has it say, and names whoever comes `subject-1`, `ada@company.example.test`. */
export async function openForgedIssuer(clientId: string) {
  const [own, other] = await Promise.all([generateKeyPair("ES256"), generateKeyPair("ES256")]);
  const keys = [{ ...(await exportJWK(own.publicKey)), kid: "k1", alg: "ES256", use: "sig" }];
  const forgery = right();
  const server = createServer((request, response) => {
    const answer = (status: number, body: object) =>
      response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
    if (request.url === "/.well-known/openid-configuration") return void answer(forgery.status, writeMetadata());
    if (request.url === "/keys") return void answer(200, { keys });
    if (request.url === "/me") return void answer(200, forgery.userInfo ?? {});
    let text = "";
    request.on("data", (piece) => void (text += piece));
    request.on("end", async () => {
      forgery.asked.push({ authorization: request.headers.authorization, body: new URLSearchParams(text) });
      answer(200, { access_token: "FAKE-access", token_type: "Bearer", id_token: await signToken() });
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const url = `http://127.0.0.1:${typeof address === "object" ? address?.port : 0}`;
  let nonce = "";
  const writeMetadata = () => ({
    issuer: url,
    authorization_endpoint: `${url}/authorize`,
    token_endpoint: `${url}/token`,
    jwks_uri: `${url}/keys`,
    userinfo_endpoint: `${url}/me`,
    response_types_supported: ["code"],
    subject_types_supported: ["public"],
    id_token_signing_alg_values_supported: ["ES256"],
    ...forgery.metadata,
  });
  const signToken = async () => {
    const nowSeconds = Math.floor(Date.now() / 1_000);
    const email = { email: "ada@company.example.test", email_verified: true };
    const times = { iat: nowSeconds, exp: nowSeconds + 300 };
    const claims = { iss: url, aud: clientId, sub: "subject-1", nonce, ...times, ...email, ...forgery.claims };
    const header = { alg: "ES256", kid: "k1" };
    const key = forgery.isOtherKey ? other.privateKey : own.privateKey;
    return new SignJWT(claims satisfies JWTPayload).setProtectedHeader(header).sign(key);
  };
  return {
    url,
    forgery,
    reset: () => void Object.assign(forgery, right()),
    /** What the issuer would send a browser back with that came to this address. */
    answer(sent: string): string {
      const { searchParams } = new URL(sent);
      nonce = searchParams.get("nonce") ?? "";
      return `?code=FAKE-code&state=${searchParams.get("state")}`;
    },
    close: () => new Promise((resolve) => void (server.closeAllConnections(), server.close(resolve))),
  };
}
