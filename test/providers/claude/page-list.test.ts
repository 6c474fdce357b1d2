import { describe, expect, it } from "vitest";

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
