import { expect, test } from "vitest";
import { CallEndpoint, EngineEndpoint } from "#edge/agreements/paths.ts";
import type { HopClaims } from "#edge/agreements/tokens/hop.ts";
import { wires } from "#edge/protocol/wires/wires.ts";
import { findAnswerWire } from "#origin/calls/wires/open-stream.ts";

const claimsFor = (endpoint: CallEndpoint) => ({ endpoint }) as HopClaims;

test("what engines know is passed on as they write it, all else in the form that the edge speaks", () => {
  for (const endpoint of CallEndpoint.options) {
    const wire = findAnswerWire({ claims: claimsFor(endpoint) });
    expect([endpoint, wire === null]).toEqual([endpoint, EngineEndpoint.safeParse(endpoint).success]);
    if (wire) expect(wire.form).toBe(wires[endpoint].stream);
  }
});
