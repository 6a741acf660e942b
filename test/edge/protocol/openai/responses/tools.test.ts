import { describe, expect, test } from "vitest";
import { IgnoredMembers } from "#edge/protocol/openai/members/member.ts";
import { findChoiceFault, findToolsFault, writeTools } from "#edge/protocol/openai/responses/tools.ts";
import { expectRefusal } from "#test/support/fakes/refused.ts";

const parameters = { type: "object", properties: { path: { type: "string" } } };
const read = { type: "function", name: "read", description: "Reads a file", parameters, strict: true };
const patch = { type: "custom", name: "apply_patch", description: "Changes files" };
const files = { type: "namespace", name: "files", description: "Of files", tools: [read] };
const write = (tools: unknown, choice?: unknown, ignored = new IgnoredMembers()) =>
  writeTools({ tools, tool_choice: choice }, ignored);

describe("tools", () => {
  test("of the flat form get their level below 'function', and are named as they were sent", () => {
    const { tools, names } = write([read, files]);
    const { type, name, ...rest } = read;
    expect(tools).toEqual([
      { type, function: { name, ...rest } },
      { type, function: { name: "files__read", ...rest } },
    ]);
    expect(names["tools[1].function"]).toBe("tools[1].tools[0]");
    expect(write([{ type: "function", name: "x", parameters: null, description: null, strict: null }]).tools).toEqual([
      { type: "function", function: { name: "x" } },
    ]);
  });

  test("of the type custom are functions of one text; a grammar is shown to the model", () => {
    const grammar = { type: "grammar", syntax: "lark", definition: "start: /.+/" };
    const [plain, formed] = write([patch, { ...patch, name: "other", format: grammar }]).tools ?? [];
    expect(plain).toMatchObject({
      type: "function",
      function: { name: "apply_patch", description: "Changes files", parameters: { required: ["input"] } },
    });
    expect(formed).toMatchObject({
      function: { description: "Changes files\n\nThe input must match this Lark grammar:\nstart: /.+/" },
    });
  });

  test.each([
    "web_search",
    "web_search_preview",
    "file_search",
    "computer_use_preview",
    "code_interpreter",
    "mcp",
    "image_generation",
    "local_shell",
    "shell",
    "apply_patch",
    "tool_search",
  ])("of the type %s are refused by name, also within a namespace", async (type) => {
    const refusal = await expectRefusal(() => write([read, { type }]), "unsupported_parameter", "tools[1].type");
    expect(refusal.details.message).toContain(`'${type}'`);
    const inner = { ...files, tools: [read, { type }] };
    await expectRefusal(() => write([inner]), "unsupported_parameter", "tools[0].tools[1].type");
  });

  test("of one name, to their engine, are refused", async () => {
    await expectRefusal(() => write([read, { ...patch, name: "read" }]), "invalid_value", "tools[1].name");
    const twin = { ...read, name: "files__read" };
    await expectRefusal(() => write([files, twin]), "invalid_value", "tools[1].name");
  });

  test("with members that nobody knows are told of", () => {
    const ignored = new IgnoredMembers();
    write([{ ...read, defer_loading: true, output_schema: null }], undefined, ignored);
    expect(ignored.headers).toEqual({ "x-penstock-ignored": "tools[].defer_loading" });
  });

  test.each([
    [[{}], [0, "type"]],
    [[{ type: "function" }], [0, "name"]],
    [[{ ...read, name: 7 }], [0, "name"]],
    [[{ ...read, parameters: [] }], [0, "parameters"]],
    [[{ ...patch, format: { type: "regex" } }], [0, "format", "type"]],
    [[{ ...files, tools: [{ type: "custom" }] }], [0, "tools", 0, "name"]],
    [{}, []],
  ])("%j are at fault where they are", (tools, path) => {
    expect(findToolsFault(tools)?.path).toEqual(path);
  });

  test("that are right are at no fault", () => {
    expect(findToolsFault([read, patch, files, { type: "web_search", any: 1 }])).toBeNull();
  });
});

describe("the choice among tools", () => {
  test("names one as its engine knows it", () => {
    const ofRead = { type: "function", function: { name: "read" } };
    expect(write([read], { type: "function", name: "read" }).choice).toEqual(ofRead);
    expect(write([patch], { type: "custom", name: "apply_patch" }).choice).toEqual({
      type: "function",
      function: { name: "apply_patch" },
    });
    expect(write([files, read], { type: "function", name: "read", namespace: "files" }).choice).toEqual({
      type: "function",
      function: { name: "files__read" },
    });
  });

  test("of some leaves the others out", () => {
    const chosen = { type: "allowed_tools", mode: "required", tools: [{ type: "custom", name: "apply_patch" }] };
    const { tools, choice, names } = write([read, patch], chosen);
    expect([tools?.length, choice, names["tools[0]"]]).toEqual([1, "required", "tools[1]"]);
  });

  test("without tools says nothing, unless one must be called", async () => {
    for (const choice of ["auto", "none"]) expect(write([], choice).choice).toBeUndefined();
    await expectRefusal(() => write([], "required"), "invalid_value", "tool_choice");
    expect(write([read], "none").choice).toBe("none");
    expect(write(undefined)).toMatchObject({ tools: undefined, choice: undefined });
  });

  test("of what is not there, or of a tool that a server would run, is refused by its path", async () => {
    const cases: [unknown, string, string][] = [
      [{ type: "function", name: "other" }, "invalid_value", "tool_choice.name"],
      [{ type: "custom", name: "read" }, "invalid_value", "tool_choice.name"],
      [{ type: "web_search" }, "unsupported_parameter", "tool_choice.type"],
      [
        { type: "allowed_tools", mode: "auto", tools: [{ type: "function", name: "read" }, { type: "mcp" }] },
        "unsupported_parameter",
        "tool_choice.tools[1].type",
      ],
    ];
    for (const [choice, code, param] of cases)
      await expectRefusal(() => write([read], choice), code as "invalid_value", param);
  });

  test("of a tool without its name is told what is missing", async () => {
    const refusal = await expectRefusal(() => write([read], { type: "function" }), "invalid_value", "tool_choice.name");
    expect(refusal.details.message).toBe("'tool_choice.name' is required: the name of one of 'tools'.");
  });

  test("is at fault where it is", () => {
    expect(findChoiceFault("any")?.path).toEqual([]);
    expect(findChoiceFault(7)?.path).toEqual([]);
    expect(findChoiceFault({})?.path).toEqual(["type"]);
    const allowed = { type: "allowed_tools", mode: "auto", tools: [{ type: "function", name: "x" }] };
    expect(findChoiceFault({ ...allowed, mode: "x" })?.path).toEqual(["mode"]);
    expect(findChoiceFault({ ...allowed, tools: [] })?.path).toEqual(["tools"]);
    expect(findChoiceFault({ ...allowed, tools: [{ name: "x" }] })?.path).toEqual(["tools", 0, "type"]);
    expect(findChoiceFault(allowed)).toBeNull();
    expect(findChoiceFault({ type: "function", name: "x" })).toBeNull();
  });
});
