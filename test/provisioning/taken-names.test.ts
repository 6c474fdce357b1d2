// A server that takes each name once: who finds it taken uses what is there, found over all pages, or says what is the matter.

import { defineAgent } from "loophost";
import { claude } from "loophost/providers/claude";
import { ensureAgent } from "loophost/provisioning";
import { expect, it } from "vitest";

const agent = defineAgent({ name: "sales", instructions: "Sell.", model: "m" });

/** A provider whose host refuses to make agents; its lists have these pages, each asked for by the id of the last before. */
function refusing(pages: (name: string, looks: number) => readonly (readonly object[])[]) {
  let name = "";
  let looks = 0;
  const fetch: typeof globalThis.fetch = async (input, init) => {
    const request = new Request(input, init);
    if (request.method === "POST") {
      ({ name } = JSON.parse(await request.text()));
      return Response.json({ error: { type: "conflict_error", message: "taken" } }, { status: 409 });
    }
    const page = Number(new URL(request.url).searchParams.get("page") ?? 0);
    if (page === 0) looks += 1;
    const all = pages(name, looks);
    return Response.json({
      data: all[page] ?? [],
      next_page: page + 1 < all.length ? String(page + 1) : null,
    });
  };
  return claude({ baseUrl: "http://127.0.0.1", fetch, retry: { attempts: 1 } });
}

it("adopts the live one of that name, on whatever page, and the oldest of several [A-189]", async () => {
  const at = (id: string, day: number, name: string) => ({
    id,
    name,
    created_at: `2026-01-0${day}T00:00:00Z`,
  });
  const provider = refusing((name, looks) =>
    looks === 1
      ? [[]]
      : [[at("agent_other", 1, "other")], [at("agent_2", 2, name)], [at("agent_1", 1, name)]],
  );
  expect(await ensureAgent(provider, agent)).toMatchObject({ agentId: "agent_1" });
});

it("says that the name is taken when there is none, or only one that is archived [A-189]", async () => {
  for (const archived of [[], [{ id: "agent_1", archived_at: "2026-01-01T00:00:00Z" }]]) {
    const provider = refusing((name) => [archived.map((one) => ({ ...one, name }))]);
    await expect(ensureAgent(provider, agent)).rejects.toMatchObject({
      code: "provision_failed",
      status: 409,
      message: expect.stringMatching(/the name sales_[0-9a-f]{8} is taken.*may be archived/),
    });
  }
});
