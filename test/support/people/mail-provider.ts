import { createServer, type IncomingHttpHeaders } from "node:http";

/** A mail as a provider of Resend's form was asked to send it. */
export interface Mailed {
  headers: IncomingHttpHeaders;
  body: { from: string; to: string[]; subject: string; text: string };
}

/** A mail provider in this process: what it was sent, and the status that it answers with. */
export async function openMailProvider() {
  const provider = { status: 200, mails: [] as Mailed[] };
  const server = createServer((request, response) => {
    let text = "";
    request.on("data", (piece) => void (text += piece));
    request.on("end", () => {
      provider.mails.push({ headers: request.headers, body: JSON.parse(text) });
      response.writeHead(provider.status, { location: "/elsewhere" }).end("{}");
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (typeof address !== "object" || address === null) throw new Error("the mail provider has no port");
  const token = "FAKE-mail-token-FAKE-mail-token";
  return Object.assign(provider, {
    token,
    /** The settings by which an edge sends through it. */
    vars: {
      MAIL: "resend",
      MAIL_URL: `http://127.0.0.1:${address.port}/emails`,
      MAIL_TOKEN: token,
      MAIL_FROM: "Penstock <no-reply@example.test>",
    },
    close: () => new Promise((resolve) => server.close(resolve)),
  });
}
