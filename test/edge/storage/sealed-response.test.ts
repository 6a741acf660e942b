import { expect, test } from "vitest";
import { openItems, openResponse, sealResponse } from "#edge/storage/sealed-response.ts";
import { seal } from "#edge/storage/sealing.ts";
import { generateRandomBytes } from "#edge/visit.ts";
import { openStorageWorld, org, otherOrg } from "./world.ts";

const id = "resp_0000000000000000000001";
const opened = {
  items: { input: [{ id: "msg_1", text: "in" }], output: [{ id: "msg_2", text: "out" }] },
  rest: { id, status: "completed" },
};

async function openNamed() {
  const storage = await (await openStorageWorld()).storage.open(org, 0);
  if (!storage) throw new Error("no storage");
  return { org, id, storage };
}

test("a response opens as it was sealed, its items also by themselves", async () => {
  const name = await openNamed();
  const sealed = await sealResponse(name, opened, generateRandomBytes);
  expect(await openResponse(name, sealed)).toEqual(opened);
  expect(await openItems(name, sealed.items)).toEqual(opened.items);
});

test("it opens as no other's, nor one half as the other", async () => {
  const name = await openNamed();
  const sealed = await sealResponse(name, opened, generateRandomBytes);
  const others = [{ org: otherOrg }, { id: "resp_0000000000000000000002" }];
  for (const other of others) await expect(openResponse({ ...name, ...other }, sealed)).rejects.toThrow();
  await expect(openItems(name, sealed.rest)).rejects.toThrow();
  await expect(openResponse(name, { items: sealed.rest, rest: sealed.items })).rejects.toThrow();
});

test("what was sealed under the right name and is of no use is refused", async () => {
  const name = await openNamed();
  const sealAs = (text: string) =>
    seal(
      name.storage.key,
      new TextEncoder().encode(text),
      `response ${org} ${id} ${name.storage.keyId} items`,
      generateRandomBytes,
    );
  await expect(openItems(name, await sealAs("[]"))).rejects.toThrow("no object");
  await expect(openItems(name, await sealAs("{}"))).rejects.toThrow("without items");
});
