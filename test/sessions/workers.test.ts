// Workers of one process: several of them, and how they are told to stop.

import { defineAgent } from "loophost";
import { local } from "loophost/providers/local";
import { sessions } from "loophost/sessions";
import { expect, it, vi } from "vitest";

const agents = [
  { agent: defineAgent({ name: "a", instructions: "" }), provider: local({ model: () => "hi" }) },
];

it.each(["first", "second"])("goes on when the %s of two workers drains", async (which) => {
  await using app = sessions({ agents });
  const [first, second] = [await app.work(), await app.work()];
  await (which === "first" ? first : second).drain();
  const chat = await app.create("a");
  await chat.send("Hello");
  expect(await chat.result({ signal: AbortSignal.timeout(5_000) })).toMatchObject({ text: "hi" });
});

it.each([Number.NaN, -1, "5000"])("refuses to drain with graceMs %j, and goes on", async (graceMs) => {
  await using app = sessions({ agents });
  const worker = await app.work();
  await expect(worker.drain({ graceMs: graceMs as number })).rejects.toMatchObject({
    code: "invalid_options",
  });
  const chat = await app.create("a");
  await chat.send("Hello");
  expect(await chat.result({ signal: AbortSignal.timeout(5_000) })).toMatchObject({ text: "hi" });
});

it("says to a process that only talks to sessions that its Node is too old", () => {
  vi.stubGlobal("process", { versions: { node: "20.20.2" } });
  try {
    expect(() => sessions({})).toThrow(expect.objectContaining({ code: "missing_dependency" }));
  } finally {
    vi.unstubAllGlobals();
  }
});
