import { expect, test } from "vitest";
import { refuseMarkup } from "#edge/portal/model/trusted-types.ts";

test("an element may be emptied, and no text becomes elements", () => {
  expect(refuseMarkup("")).toBe("");
  expect(() => refuseMarkup("<b>")).toThrow(TypeError);
});
