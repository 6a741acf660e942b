import { expect, test } from "vitest";
import { ChoiceAssembly } from "#origin/calls/whole/assemble-choice.ts";

const build = (...chunks: Record<string, unknown>[]) => {
  const choice = new ChoiceAssembly(2);
  for (const chunk of chunks) choice.add(chunk);
  return choice;
};

test("tool calls stand in the order of their indexes, and without them", () => {
  const call = (index: number) => ({ delta: { tool_calls: [{ index, id: `id${index}`, function: { name: "f" } }] } });
  expect(build(call(1), call(0)).buildChat()).toEqual({
    index: 2,
    message: {
      role: "assistant",
      content: null,
      tool_calls: [
        { id: "id0", function: { name: "f" } },
        { id: "id1", function: { name: "f" } },
      ],
    },
  });
});

test("the last word on how it ended counts, and a null takes none back", () => {
  const choice = build(
    { text: "a", finish_reason: null, stop_reason: null },
    { text: "b", finish_reason: "stop", stop_reason: 1019 },
    { text: "", finish_reason: null, stop_reason: null },
  );
  expect(choice.hasFinished).toBe(true);
  expect(choice.buildCompletion()).toEqual({ index: 2, text: "ab", finish_reason: "stop", stop_reason: 1019 });
  expect(build({ text: "a", finish_reason: null }).hasFinished).toBe(false);
});
