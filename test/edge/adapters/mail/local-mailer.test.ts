import { expect, test } from "vitest";
import { localMailer } from "#edge/adapters/mail/local-mailer.ts";

test("a mail is a line in the terminal, and says that it is local", async () => {
  const lines: string[] = [];
  const mailer = localMailer((line) => void lines.push(line));
  await mailer.send({ to: "a@example.test", subject: "Hello", text: "123456" });
  expect(mailer.isLocal).toBe(true);
  expect(lines.map((line) => JSON.parse(line))).toEqual([
    { event: "local_mail", to: "a@example.test", subject: "Hello", text: "123456" },
  ]);
});
