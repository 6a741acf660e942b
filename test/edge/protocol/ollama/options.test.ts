import { expect, test } from "vitest";
import { optionMembers, optionNames, OptionsBody, translateOptions } from "#edge/protocol/ollama/options.ts";

test("options become the members that engines know, and what says nothing is left out", () => {
  const same = { temperature: 0.5, top_p: 0.9, top_k: 40, min_p: 0.1, presence_penalty: 1, frequency_penalty: -1 };
  expect(translateOptions({ ...same, stop: ["a"], seed: 7, num_predict: 9, repeat_penalty: 1.2 })).toEqual({
    ...same,
    stop: ["a"],
    seed: 7,
    max_tokens: 9,
    repetition_penalty: 1.2,
  });
  for (const num_predict of [0, -1, -2]) expect(translateOptions({ num_predict, seed: -1 })).toEqual({});
});

test("each member is called by the option that it came from", () => {
  const sent = translateOptions({ temperature: 1, top_p: 1, seed: 1, stop: "a", num_predict: 1, repeat_penalty: 1 });
  for (const name of Object.keys(sent)) expect(optionNames[name]).toMatch(/^options\./);
  expect([optionNames["max_tokens"], optionNames["repetition_penalty"]]).toEqual([
    "options.num_predict",
    "options.repeat_penalty",
  ]);
});

test("an option is read, accepted or refused; runner settings are accepted", () => {
  expect(Object.keys(OptionsBody.shape).toSorted()).toEqual(
    Object.entries(optionMembers)
      .filter(([, { fate }]) => fate === "forwarded")
      .map(([name]) => name)
      .toSorted(),
  );
  for (const name of ["num_ctx", "num_gpu", "num_thread", "use_mmap", "low_vram"] as const)
    expect(optionMembers[name].fate).toBe("accepted");
});
