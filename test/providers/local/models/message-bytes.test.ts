// The growing bytes of a request, against the plain way of writing one.

import * as fc from "fast-check";
import { expect, it } from "vitest";

import { MessageBytes } from "../../../../src/providers/local/models/message-bytes.ts";

const HEAD = '{"model":"größer","messages":[';
const message = fc.string({ unit: "binary", maxLength: 300 }).map((text) => JSON.stringify({ text }));

it("is at any time what joining the messages would give [I10]", () => {
  const step = fc.record({ json: message, at: fc.nat(), isNew: fc.boolean() });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const bytes = new MessageBytes(HEAD);
      const plain: string[] = [];
      for (const { json, at, isNew } of steps) {
        if (isNew || plain.length === 0) {
          plain.push(json);
          bytes.add(json);
        } else {
          plain[at % plain.length] = json;
          bytes.replace(at % plain.length, json);
        }
      }
      expect(bytes.count).toBe(plain.length);
      expect(textOf(bytes.body())).toBe(`${HEAD}${plain.join(",")}]}`);
      expect(textOf(bytes.bodyAfter('{"a":['))).toBe(`{"a":[${plain.join(",")}]}`);
    }),
  );
});

function textOf(bytes: Uint8Array): string {
  return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
}
