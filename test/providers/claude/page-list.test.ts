import { describe, expect, it } from "vitest";

import { LoophostError } from "../../../src/core/errors.ts";
import { listPages } from "../../../src/providers/claude/api/page-list.ts";

/** All pages of a list whose replies come by the cursor they are asked for with. */
async function read(reply: (cursor: unknown) => Record<string, unknown>) {
  const asked: unknown[] = [];
  const get = (_: string, query: Record<string, unknown> = {}) => {
    asked.push(query);
    return Promise.resolve(reply(query["page"] ?? query["after_id"]));
  };
  const items: unknown[] = [];
  for await (const page of listPages({ get }, "/v1/things", { limit: 2 }, new AbortController().signal))
    items.push(...page);
  return { asked, items };
}

describe("a list in pages", () => {
  it("is followed by its cursor, over empty pages too", async () => {
    const pages = [{ data: [1], next_page: "a" }, { data: [], next_page: "b" }, { data: [2] }];
    const { asked, items } = await read((cursor) => pages[["a", "b"].indexOf(String(cursor)) + 1] ?? {});
    expect(items).toEqual([1, 2]);
    expect(asked).toEqual([{ limit: 2 }, { limit: 2, page: "a" }, { limit: 2, page: "b" }]);
  });

  it("is followed by its last id where the server only says that there is more", async () => {
    const named = await read((cursor) =>
      cursor === undefined ? { data: [1], has_more: true, last_id: "x" } : { data: [2], has_more: false },
    );
    expect(named.asked).toEqual([{ limit: 2 }, { limit: 2, after_id: "x" }]);
    const unnamed = await read((cursor) => ({ data: [{ id: "y" }], has_more: cursor === undefined }));
    expect(unnamed.asked).toEqual([{ limit: 2 }, { limit: 2, after_id: "y" }]);
  });

  it.each([{ next_page: "same" }, { has_more: true, last_id: "same" }, { has_more: true }, { data: null }])(
    "is not followed in circles: %j",
    async (more) => {
      const { asked } = await read(() => ({ data: [1], ...more }));
      expect(asked.length).toBeLessThanOrEqual(2);
    },
  );
});

describe("a page that is too large", () => {
  const tooLarge = new LoophostError("reply_too_large", "too large");

  /** Reads a list of numbers from a server whose replies hold so many of them at most. */
  async function readFrom(roomFor: (from: number) => number, query: Record<string, unknown>) {
    const limits: unknown[] = [];
    const get = (_: string, asked: Record<string, unknown> = {}) => {
      const from = Number(asked["page"] ?? 0);
      const limit = Number(asked["limit"] ?? 20);
      limits.push(asked["limit"]);
      if (limit > roomFor(from)) return Promise.reject(tooLarge);
      const data = Array.from({ length: Math.min(limit, 30 - from) }, (__, index) => from + index);
      return Promise.resolve({ data, ...(from + limit < 30 && { next_page: String(from + limit) }) });
    };
    const items: unknown[] = [];
    const pages = listPages({ get }, "/v1/things", query, new AbortController().signal);
    for await (const page of pages) items.push(...page);
    return { limits, items };
  }
  const all = Array.from({ length: 30 }, (_, index) => index);

  it("is asked for again with fewer items, and those after it with more again", async () => {
    const { limits, items } = await readFrom((from) => (from === 0 ? 2 : 100), { limit: 16 });
    expect(items).toEqual(all);
    expect(limits).toEqual([16, 4, 1, 2, 4, 8, 16]);
  });

  it("is asked for again where the server chose the size, too", async () => {
    const { limits, items } = await readFrom(() => 5, {});
    expect(items).toEqual(all);
    expect(limits.slice(0, 2)).toEqual([undefined, 5]);
  });

  it("with one item is the error that it is", async () => {
    await expect(readFrom(() => 0, { limit: 2 })).rejects.toBe(tooLarge);
  });
});

it("a list of more pages than anybody reads is an error, not a shorter list", async () => {
  await expect(
    read((cursor) => ({ data: [1], next_page: String(Number(cursor ?? 0) + 1) })),
  ).rejects.toMatchObject({
    code: "host_protocol",
  });
});
