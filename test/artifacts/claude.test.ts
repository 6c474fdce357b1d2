// Puts at Claude's, at the same time and over each other: one is kept, whole, and nothing else stays at the host.

import { artifacts } from "loophost/artifacts";
import { claude } from "loophost/providers/claude";
import { describe, expect, it } from "vitest";

import { sessionAtClaude } from "./hosts.ts";

/** A way to the host on which some requests are answered by the test. */
function meddling(
  answer: (request: Request) => Response | Promise<Response> | undefined,
): typeof globalThis.fetch {
  return async (input, init) => {
    const request = new Request(input, init);
    return answer(request) ?? globalThis.fetch(request);
  };
}

const refusal = (status: number) =>
  Response.json({ type: "error", error: { type: "permission_error", message: "No." } }, { status });

describe("puts of one name", () => {
  it("all succeed at the same time, from any process, and one is left, whole", async () => {
    const { filesBy, stored, resources } = await sessionAtClaude();
    const files = filesBy();
    const contents = Array.from({ length: 24 }, (_, index) => String(index).repeat(1_000));
    const puts = contents.map((content, index) =>
      (index % 2 === 0 ? files : filesBy()).put("race.txt", content),
    );
    expect((await Promise.all(puts)).map(({ size }) => size)).toEqual(contents.map(({ length }) => length));
    const left = await files.list();
    expect(left).toHaveLength(1);
    expect(contents).toContain(new TextDecoder().decode(await (await files.get("race.txt")).bytes()));
    expect((await stored()).map(({ id }) => id)).toEqual(left.map(({ id }) => id));
    expect(await resources()).toMatchObject([{ file_id: left[0]?.id }]);
  });

  it("leave the last of them, and no upload; a delete leaves nothing", async () => {
    const { filesBy, stored } = await sessionAtClaude();
    await filesBy().put("a.txt", "one");
    const { id } = await filesBy().put("a.txt", "two");
    expect((await stored()).map((file) => file.id)).toEqual([id]);
    await filesBy().delete("a.txt");
    expect(await stored()).toEqual([]);
  });

  it("replace a file that a server lists below its folder of uploads", async () => {
    const { filesBy, resources, stored } = await sessionAtClaude();
    const files = filesBy({
      fetch: meddling((request) => {
        if (request.method !== "GET" || !new URL(request.url).pathname.endsWith("/resources"))
          return undefined;
        return globalThis.fetch(request).then(async (reply) => {
          const below = (await reply.text()).replaceAll('"/data/', '"/mnt/session/uploads/data/');
          return new Response(below, reply);
        });
      }),
    });
    await files.put("a.txt", "one");
    await files.put("a.txt", "two");
    expect([await resources(), await stored()].map((all) => all.length)).toEqual([1, 1]);
  });
});

it("a session that is not there is not one without files", async () => {
  const { baseUrl, stored } = await sessionAtClaude();
  const files = artifacts(claude({ baseUrl }), "sesn_mistyped");
  for (const call of [
    () => files.list(),
    () => files.get("a.txt"),
    () => files.put("a.txt", "x"),
    () => files.delete("a.txt"),
  ])
    await expect(call()).rejects.toMatchObject({
      code: "session_not_found",
      message: expect.stringContaining('"sesn_mistyped"'),
    });
  expect(await stored()).toEqual([]);
});

describe("an upload that nobody needs and that cannot be deleted", () => {
  it.each([true, false])("is told of: when its put is done (%s), and when it failed", async (isAttached) => {
    const { filesBy, stored } = await sessionAtClaude();
    const files = filesBy({
      fetch: meddling(({ url, method }) => {
        const { pathname } = new URL(url);
        if (method === "DELETE" && pathname.startsWith("/v1/files/")) return refusal(403);
        if (!isAttached && method === "POST" && pathname.endsWith("/resources")) return refusal(422);
        return undefined;
      }),
    });
    const error: unknown = await files.put("a.txt", "x").catch((thrown: unknown) => thrown);
    const uploads = (await stored()).filter(({ scope }) => (scope ?? null) === null);
    expect(uploads).toHaveLength(1);
    const message = `${isAttached ? "^a.txt is put. " : ""}Left at the host, .*${uploads[0]?.id} `;
    expect(error).toMatchObject({
      code: isAttached ? "host_failed" : "host_rejected",
      message: expect.stringMatching(new RegExp(message)),
    });
    expect(await files.list()).toHaveLength(isAttached ? 1 : 0);
  });
});
