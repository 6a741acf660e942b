import { expect, test } from "vitest";
import { formBytesMax } from "#edge/limits.ts";
import { openIntake } from "#edge/protocol/intake.ts";
import { readFormBytes, releaseForm } from "#edge/protocol/media/hand.ts";
import { expectRefusal } from "#test/support/fakes/refused.ts";

const sender = { org: "org_a", key: "key_a" };
const post = (bytes: number) =>
  new Request("https://api.example/", {
    method: "POST",
    body: new Uint8Array(bytes),
    headers: { "content-length": String(bytes) },
  });

test("a form counts until its call has an answer, and then no more", async () => {
  const forms = openIntake({ all: 100, org: 80 });
  const [one, other] = [post(60), post(40)];
  expect(await readFormBytes(one, sender, forms)).toHaveLength(60);
  expect(forms.bytes).toBe(60);
  await expectRefusal(() => readFormBytes(other, sender, forms), "server_is_overloaded", undefined);
  releaseForm(one);
  releaseForm(one);
  expect(forms.bytes).toBe(0);
  expect(await readFormBytes(post(40), sender, forms)).toHaveLength(40);
});

test("all orgs together have no more than the isolate's room", async () => {
  const forms = openIntake({ all: 100, org: 80 });
  await readFormBytes(post(80), sender, forms);
  await expectRefusal(
    () => readFormBytes(post(30), { org: "org_b", key: "k" }, forms),
    "server_is_overloaded",
    undefined,
  );
});

test("one that is too large is refused in OpenAI's words", async () => {
  await expectRefusal(() => readFormBytes(post(formBytesMax + 1), sender), "request_too_large", "file");
});
