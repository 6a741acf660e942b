import { createHmac } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { base62 } from "#edge/agreements/tokens/ids.ts";
import { openTickets, ticketCharsMax } from "#edge/agreements/tokens/ticket.ts";
import { keyringOf, secretOf } from "#test/support/fakes/keyring.ts";
import { leasedTerms } from "#test/support/fakes/leased-terms.ts";

const hold = fc
  .array(fc.constantFrom(...base62), { minLength: 22, maxLength: 22 })
  .map((chars) => `hold_${chars.join("")}`);
const node = fc.stringMatching(/^node_[a-z0-9-]{1,20}$/);
const terms = fc.record({ hold, node });

const tickets = openTickets(await keyringOf());

describe("a ticket", () => {
  test("is 22 characters of base64url and proves its own hold for its own node, in any isolate", async () => {
    const elsewhere = openTickets(await keyringOf());
    fc.assert(
      fc.property(terms, (own) => {
        const ticket = tickets.make(own);
        expect(ticket).toMatch(/^[A-Za-z0-9_-]{22}$/);
        expect(elsewhere.verify(ticket, own)).toEqual({ leased: null });
      }),
    );
  });

  test("proves nothing for another node or another hold", () => {
    fc.assert(
      fc.property(terms, terms, (own, other) => {
        const ticket = tickets.make(own);
        fc.pre(own.hold !== other.hold && own.node !== other.node);
        expect(tickets.verify(ticket, { ...own, node: other.node })).toBeNull();
        expect(tickets.verify(ticket, { ...own, hold: other.hold })).toBeNull();
        expect(tickets.verify(ticket, other)).toBeNull();
      }),
    );
  });

  test("of a call under a lease carries the terms of its hold, and proves every byte of them", () => {
    fc.assert(
      fc.property(terms, fc.nat(999), fc.string(), fc.nat(1_000_000), (own, at, model, tokens) => {
        const leased = { ...leasedTerms, model, promptTokens: tokens };
        const ticket = tickets.make({ ...own, leased });
        expect(tickets.verify(ticket, own)).toEqual({ leased });
        const cut = at % ticket.length;
        const altered = ticket.slice(0, cut) + (ticket[cut] === "A" ? "B" : "A") + ticket.slice(cut + 1);
        const bare = ticket.slice(ticket.indexOf(".") + 1);
        const plain = tickets.make(own);
        const swapped = ticket.slice(0, ticket.indexOf(".") + 1) + plain;
        for (const wrong of [altered, bare, swapped, `${plain}.${bare}`, `.${plain}`])
          expect(tickets.verify(wrong, own)).toBeNull();
        expect(tickets.verify(ticket, { ...own, node: "node_another" })).toBeNull();
      }),
    );
  });

  test("of the longest names stays within its bound", () => {
    const leased = {
      ...leasedTerms,
      model: "m".repeat(256),
      lineage: `key_${"z".repeat(16)}`,
      project: `proj_${"z".repeat(22)}`,
    };
    const own = { hold: `hold_${"1".repeat(22)}`, node: `node_${"n".repeat(40)}` };
    expect(tickets.make({ ...own, leased }).length).toBeLessThan(ticketCharsMax);
  });

  test("that is altered in one place, truncated, lengthened, empty or made up does not verify", () => {
    fc.assert(
      fc.property(terms, fc.nat(21), fc.nat(21), fc.string({ maxLength: 64 }), (own, at, length, forged) => {
        const ticket = tickets.make(own);
        const altered = ticket.slice(0, at) + (ticket[at] === "A" ? "B" : "A") + ticket.slice(at + 1);
        fc.pre(forged !== ticket);
        for (const wrong of [altered, ticket.slice(0, length), `${ticket}A`, ticket.toLowerCase() + " ", forged])
          expect(tickets.verify(wrong, own)).toBeNull();
      }),
    );
  });

  test("is of this deployment alone, and is no plain HMAC under its tag key", async () => {
    const own = { hold: `hold_${"1".repeat(22)}`, node: "node_a" };
    const stranger = openTickets(await keyringOf({ t1: secretOf(2) }));
    expect(tickets.verify(stranger.make(own), own)).toBeNull();
    const underived = createHmac("sha256", Buffer.alloc(32, 1)).update(`${own.node} ${own.hold}`).digest("base64url");
    expect(tickets.verify(underived.slice(0, 22), own)).toBeNull();
  });

  test("outlasts a rotation: made under the first tag key, it verifies as long as that one is live", async () => {
    const own = { hold: `hold_${"1".repeat(22)}`, node: "node_a" };
    const ticket = tickets.make(own);
    const during = openTickets(await keyringOf({ t2: secretOf(2), t1: secretOf(1) }));
    const after = openTickets(await keyringOf({ t2: secretOf(2) }));
    expect(during.verify(ticket, own)).toEqual({ leased: null });
    expect(after.verify(ticket, own)).toBeNull();
    expect(after.verify(during.make(own), own)).toEqual({ leased: null });
  });

  test("that is missing will do only while older agents are waited for; a wrong one never", async () => {
    const own = { hold: `hold_${"1".repeat(22)}`, node: "node_a" };
    expect(tickets.verify(undefined, own)).toBeNull();
    const waiting = openTickets(await keyringOf(), true);
    expect([waiting.verify(undefined, own), waiting.verify("", own), waiting.verify("A".repeat(22), own)]).toEqual([
      { leased: null },
      null,
      null,
    ]);
  });

  test("needs a tag key", () => {
    expect(() => openTickets({ tagKeys: new Map() })).toThrow("keyring is empty");
  });
});
