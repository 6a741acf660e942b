import { afterEach, expect, test, vi } from "vitest";
import { httpMailer } from "#edge/adapters/mail/http-mailer.ts";
import { OutOfReach } from "#edge/errors.ts";

const mail = { to: "a@example.test", subject: "Hello", text: "123456" };
const terms = { url: "https://mail.example.test/send", token: "FAKE-token", from: "b@example.test" };
afterEach(() => vi.unstubAllGlobals());

function stub(answer: () => Promise<Response>) {
  const sent: { url: string; init: RequestInit }[] = [];
  vi.stubGlobal("fetch", (url: string, init: RequestInit) => {
    sent.push({ url, init });
    return answer();
  });
  return sent;
}

test("each provider is sent its own form, once", async () => {
  const sent = stub(async () => new Response("{}", { status: 202 }));
  await httpMailer({ form: "resend", ...terms }).send(mail);
  await httpMailer({ form: "postmark", ...terms }).send(mail);
  const [resend, postmark] = sent.map(({ url, init }) => ({
    url,
    redirect: init.redirect,
    headers: new Headers(init.headers),
    body: JSON.parse(String(init.body)),
  }));
  expect([resend?.url, resend?.redirect, resend?.headers.get("authorization")]).toEqual([
    terms.url,
    "manual",
    "Bearer FAKE-token",
  ]);
  expect(resend?.body).toEqual({ from: terms.from, to: [mail.to], subject: mail.subject, text: mail.text });
  expect(postmark?.headers.get("x-postmark-server-token")).toBe("FAKE-token");
  expect(postmark?.headers.get("authorization")).toBe(null);
  expect(postmark?.body).toEqual({ From: terms.from, To: mail.to, Subject: mail.subject, TextBody: mail.text });
  expect(sent).toHaveLength(2);
});

test("whatever is no success did not go out, and the error tells nothing of the mail", async () => {
  const answers = [
    ...[302, 400, 401, 429, 500].map((status) => async () => new Response(mail.text, { status })),
    () => Promise.reject(new Error(`no way to ${mail.to}`)),
  ];
  for (const answer of answers) {
    stub(answer);
    const failure: unknown = await httpMailer({ form: "resend", ...terms })
      .send(mail)
      .catch((cause: unknown) => cause);
    expect(failure).toBeInstanceOf(OutOfReach);
    expect(String(failure)).not.toMatch(/123456|example\.test/);
  }
});
