import { defineAgent, run } from "loophost";
import { claude } from "loophost/providers/claude";
import { embeddedHost } from "loophost/server";
import { expect, it } from "vitest";

it("sends a lost message again where the host takes keys, and it counts once though both arrive [I5] [L-29]", async () => {
  await using host = embeddedHost({ model: () => "Here." });
  const lost: Request[] = [];
  const keys: (string | null)[] = [];
  const through: typeof fetch = async (input, init) => {
    const request = new Request(input, init);
    if (request.method !== "POST" || !request.url.endsWith("/events")) return host.fetch(request);
    keys.push(request.headers.get("idempotency-key"));
    if (lost.push(request.clone()) === 1) throw new TypeError("lost on its way");
    const reply = await host.fetch(request);
    // And now it arrives after all.
    await host.fetch(lost[0] ?? request);
    return reply;
  };
  const provider = claude({
    baseUrl: "http://127.0.0.1",
    fetch: through,
    retry: { firstDelayMs: 5 },
    server: { takesIdempotencyKeys: true },
  });
  const agent = defineAgent({ name: "a", instructions: "b", model: "m" });
  const { sessionId, text } = await run(agent, { provider, prompt: "Hello" });
  expect(text).toBe("Here.");
  expect(keys).toEqual([expect.any(String), keys[0]]);
  const log = await host.fetch(new Request(`http://127.0.0.1/v1/sessions/${sessionId}/events`));
  const { data } = (await log.json()) as { data: { type: string }[] };
  expect(data.filter(({ type }) => type === "user.message")).toHaveLength(1);
});
