import { expect, test } from "vitest";
import { CallItem, findCall, TextItem, type ItemSlot } from "#origin/calls/wires/responses/stream-items.ts";
import { contextOf } from "./world.ts";

const openSlot = (index = 0) => {
  const events: { type: string; [member: string]: unknown }[] = [];
  const slot: ItemSlot = { index, context: contextOf(), emit: (event) => void events.push(event) };
  return { slot, events, types: () => events.map(({ type }) => type.replace("response.", "")) };
};

test("an item of text begins, grows and ends once", () => {
  const { slot, events, types } = openSlot(3);
  const item = new TextItem("message", slot);
  item.add("Hel", [{ token: "Hel" }]);
  item.add("", [{ token: "" }]);
  item.add("lo");
  expect(item.build()).toMatchObject({ status: "incomplete", content: [{ text: "Hello" }] });
  item.close("completed");
  item.close("incomplete");
  expect(types()).toEqual([
    "output_item.added",
    "content_part.added",
    "output_text.delta",
    "output_text.delta",
    "output_text.done",
    "content_part.done",
    "output_item.done",
  ]);
  expect(events[4]).toMatchObject({ text: "Hello", logprobs: [{ token: "Hel" }, { token: "" }], output_index: 3 });
  expect(item.build()).toMatchObject({ status: "completed" });
});

test("reasoning has events of its own, without log-probabilities", () => {
  const { slot, events, types } = openSlot();
  const item = new TextItem("reasoning", slot);
  item.add("Hm.");
  item.close("incomplete");
  expect(types().slice(2, 4)).toEqual(["reasoning_text.delta", "reasoning_text.done"]);
  for (const event of events.slice(2, 4)) expect(event).not.toHaveProperty("logprobs");
  expect(item.build()).toMatchObject({ type: "reasoning", status: "incomplete" });
});

test("a function's call passes its arguments on as they come; before it has begun it keeps them", () => {
  const { slot, events, types } = openSlot();
  const call = new CallItem({ index: 0 }, "call_ours");
  call.add({ function: { arguments: '{"a"' } });
  expect([call.hasName, call.hasBegun, call.build()]).toEqual([false, false, {}]);
  call.add({ id: "call_theirs", function: { name: "f" } });
  call.begin({ type: "function", name: "f", namespace: null }, slot);
  call.add({ function: { arguments: ":1}" } });
  call.pass();
  call.close("completed");
  call.close("completed");
  expect(types()).toEqual([
    "output_item.added",
    "function_call_arguments.delta",
    "function_call_arguments.delta",
    "function_call_arguments.done",
    "output_item.done",
  ]);
  expect(events.map(({ delta }) => delta)).toEqual([undefined, '{"a"', ":1}", undefined, undefined]);
  expect(call.build()).toMatchObject({ call_id: "call_theirs", arguments: '{"a":1}', status: "completed" });
});

test("a custom tool's input comes in one piece, once it can be read", () => {
  const { slot, events, types } = openSlot();
  const call = new CallItem({}, "call_ours");
  call.add({ function: { name: "patch", arguments: '{"input":"a' } });
  call.begin({ type: "custom", name: "patch", namespace: null }, slot);
  call.add({ function: { arguments: '\\nb"}' } });
  call.pass();
  call.close("completed");
  expect(types().slice(1, 3)).toEqual(["custom_tool_call_input.delta", "custom_tool_call_input.done"]);
  expect(events[2]).toMatchObject({ input: "a\nb" });
  expect(call.build()).toMatchObject({ type: "custom_tool_call", call_id: "call_ours", input: "a\nb" });
});

test("a piece belongs to the call with its index, else its id, else to the last", () => {
  const [one, other] = [new CallItem({ index: 0 }, "x"), new CallItem({ index: 1 }, "y")];
  one.add({ id: "a" });
  const calls = [one, other];
  expect(findCall(calls, { index: 1 })).toBe(other);
  expect(findCall(calls, { index: 2, id: "a" })).toBeUndefined();
  expect(findCall(calls, { id: "a" })).toBe(one);
  expect(findCall(calls, { id: "b" })).toBeUndefined();
  expect(findCall(calls, {})).toBe(other);
});
