import * as fc from "fast-check";
import { expect, test } from "vitest";
import { BlockKeys, BlockPool, blockTokens } from "#infra/simulator/engine/blocks.ts";

const makeKeys = (salt: string, tokens: number[]) => {
  const keys = new BlockKeys(salt);
  keys.extend(tokens);
  return keys.keys;
};

test("blocks are never held twice by accident, never lost, and all come back", () => {
  const commands = fc.array(
    fc.oneof(
      fc.record({ take: fc.integer({ min: 1, max: 5 }) }),
      fc.record({ release: fc.nat() }),
      fc.record({ share: fc.nat() }),
    ),
    { maxLength: 80 },
  );
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 12 }), commands, (total, steps) => {
      const pool = new BlockPool(total);
      const held: number[][] = [];
      let clashes = 0;
      for (const step of steps) {
        if ("take" in step) {
          const blocks = Array.from({ length: step.take }, () => pool.take()).filter((block) => block !== null);
          clashes += blocks.filter((block) => held.flat().includes(block)).length;
          held.push(blocks);
        } else if (held.length > 0 && "release" in step)
          pool.release(held.splice(step.release % held.length, 1)[0] ?? []);
        else if (held.length > 0 && "share" in step) {
          const shared = held[step.share % held.length] ?? [];
          for (const block of shared) pool.share(block);
          held.push([...shared]);
        }
        expect(pool.usedCount).toBe(new Set(held.flat()).size);
        expect(pool.freeCount + pool.usedCount).toBe(total);
      }
      for (const blocks of held) pool.release(blocks);
      expect([pool.usedCount, clashes]).toEqual([0, 0]);
    }),
  );
});

test("releasing more often than holding is refused", () => {
  const pool = new BlockPool(1);
  const block = pool.take() ?? -1;
  pool.release([block]);
  expect(() => pool.release([block])).toThrow("more often than held");
});

test("a freed block is found again until it is needed, the tail of a prompt first", () => {
  const pool = new BlockPool(2);
  const keys = makeKeys(
    "",
    Array.from({ length: 2 * blockTokens }, (_, at) => at),
  );
  const blocks = [pool.take() ?? -1, pool.take() ?? -1];
  blocks.forEach((block, at) => pool.name(block, keys[at] ?? ""));
  pool.release(blocks);
  expect(pool.find(keys)).toEqual(blocks);
  pool.take();
  expect(pool.find(keys)).toEqual([blocks[0]]);
});

test("a block's key depends on its salt, on all that came before, and on nothing else", () => {
  const tokens = Array.from({ length: 3 * blockTokens }, (_, at) => at);
  expect(makeKeys("a", tokens)).toEqual(makeKeys("a", tokens));
  expect(makeKeys("a", tokens)[0]).not.toBe(makeKeys("b", tokens)[0]);
  expect(makeKeys("a", [9, ...tokens.slice(1)])[2]).not.toBe(makeKeys("a", tokens)[2]);
  expect(makeKeys("a", tokens.slice(0, -1))).toEqual(makeKeys("a", tokens).slice(0, 2));
});
