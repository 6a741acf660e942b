import { expect, test } from "vitest";
import { cloudflareMailer } from "#edge/adapters/mail/cloudflare-mailer.ts";
import { OutOfReach } from "#edge/errors.ts";

const mail = { to: "a@example.test", subject: "Hello", text: "123456" };

test("a mail goes to the binding as it is", async () => {
  const sent: unknown[] = [];
  await cloudflareMailer({ send: async (message) => sent.push(message) }, "b@example.test").send(mail);
  expect(sent).toEqual([{ from: "b@example.test", ...mail }]);
});

test("what the platform does not take did not go out, and nobody is named", async () => {
  const refuse = () => Promise.reject(new Error("no such address: a@example.test"));
  const failure: unknown = await cloudflareMailer({ send: refuse }, "b@example.test")
    .send(mail)
    .catch((cause: unknown) => cause);
  expect(failure).toBeInstanceOf(OutOfReach);
  expect(String(failure)).not.toContain("example.test");
});
