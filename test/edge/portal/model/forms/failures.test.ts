import { expect, test } from "vitest";
import { explainFailure } from "#edge/portal/model/forms/failures.ts";

const refuse = (param: string | null) => Object.assign(new Error("no"), { param });

test("a refusal is told at the field that it is about, and at no other", () => {
  for (const param of ["limits", "limits.tokensPerDay", "limits[0]"]) {
    expect(explainFailure(refuse(param), "limits")).toBe("no");
    expect(explainFailure(refuse(param), "limit")).toBeUndefined();
  }
  for (const failure of [refuse(null), new Error("no"), null]) expect(explainFailure(failure, "name")).toBeUndefined();
});
