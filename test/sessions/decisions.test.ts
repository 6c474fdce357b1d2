// Decisions and answers from outside: the first one counts, and whoever comes later is told which one that was.

import { defineAgent, defineTool } from "loophost";
import { local } from "loophost/providers/local";
import { sessions } from "loophost/sessions";
import { expect, it } from "vitest";

import { scriptedModel } from "./scripted-model.ts";

async function setUp(tool: { readonly needsApproval?: boolean; readonly execute?: () => string }) {
  const ask = defineTool({ name: "ask", description: "Asks", input: { type: "object" }, ...tool });
  const agent = defineAgent({ name: "a", instructions: "", tools: [ask] });
  const app = sessions({ agents: [{ agent, provider: local({ model: scriptedModel }) }] });
  await app.work();
  const chat = await app.create("a");
  await chat.send("call ask {}", { key: "a message" });
  expect(await chat.result()).toMatchObject({ terminal: "requires_action" });
  const [callId = ""] = (await chat.summary())?.waiting ?? [];
  return { app, chat, callId };
}

it("takes the first answer of an external call, and shows it to whoever answers again, before and after it is used", async () => {
  const { app, chat, callId } = await setUp({});
  await using _ = app;
  const first = { allow: true, result: { content: [{ type: "text", text: "yes" }] } };
  const both = await Promise.all([chat.answer(callId, "yes"), chat.answer(callId, "no")]);
  expect(both.map(({ applied }) => applied)).toEqual([true, false]);
  for (const { decision } of both) expect(decision).toMatchObject(first);
  expect(await chat.result()).toMatchObject({ text: "done: yes" });
  expect(await chat.answer(callId, "too late")).toMatchObject({ applied: false, decision: first });
});

it("tells whoever approves what was denied why, before and after it is used", async () => {
  const { app, chat, callId } = await setUp({ needsApproval: true, execute: () => "asked" });
  await using _ = app;
  const [no, yes] = await Promise.all([chat.deny(callId, { why: "too dear" }), chat.approve(callId)]);
  expect([no.applied, yes.applied]).toEqual([true, false]);
  for (const { decision } of [no, yes]) expect(decision).toEqual({ allow: false, why: "too dear" });
  expect((await chat.result()).text).toContain("too dear");
  const late = await chat.approve(callId);
  expect(late).toMatchObject({ applied: false, decision: { allow: false, why: "too dear" } });
});

it("refuses an answer under the key of a message", async () => {
  const { app, chat, callId } = await setUp({});
  await using _ = app;
  await expect(chat.answer(callId, "x", { key: "a message" })).rejects.toThrow("was used for something else");
});
