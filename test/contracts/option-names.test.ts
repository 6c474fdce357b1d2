// An option that is misspelt is refused by its name, with the nearest one there is, wherever a user passes options.
// That the lists of names are whole is the compiler's to say: each is a `Names<Options>` or `Checks<Options>`.

import { defineAgent, defineTool, openSession, run } from "loophost";
import { budget } from "loophost/budget";
import { runConformance } from "loophost/conformance";
import { runAgent } from "loophost/messages";
import { claude, createClient } from "loophost/providers/claude";
import { aiSdkModel, anthropicMessages, local, openAICompatible } from "loophost/providers/local";
import { provision } from "loophost/provisioning";
import { embeddedHost } from "loophost/server";
import { sessions } from "loophost/sessions";
import { memoryStore } from "loophost/stores/memory";
import { listSessions } from "loophost/stores/sessions";
import { sqliteStore } from "loophost/stores/sqlite";
import { scriptedProvider } from "loophost/testing";
import { agentCoreStandIn } from "loophost/testing/agentcore";
import { crashTest, faultProxy } from "loophost/testing/node";
import { mcpTools } from "loophost/tools/mcp";
import { expect, it } from "vitest";

import { checkNames } from "../../src/core/check-options.ts";
import type { Names } from "../../src/core/check-options.ts";
import { anything, done } from "../support/host-events.ts";

type Misspelt = readonly [owner: string, name: string, nearest: string, use: (misspelt: never) => unknown];

const agent = defineAgent({ name: "a", instructions: "" });
const tool = { name: "t", description: "T", input: anything };
const provider = scriptedProvider({ turns: [[done]] });
const model = () => "hi";
const theirs = { specificationVersion: "v3", provider: "p", modelId: "m" } as never;
const session = () => openSession(agent, { provider });

const TABLE: readonly Misspelt[] = [
  ["run()", "promt", "prompt", (odd: object) => run(agent, { provider, ...odd })],
  ["openSession()", "sesionId", "sessionId", (odd: object) => openSession(agent, { provider, ...odd })],
  ["A run", "systm", "system", async (odd: object) => (await session()).send("hi", odd)],
  ["A run", "ifWating", "ifWaiting", async (odd: object) => (await session()).resume(odd)],
  ["defineAgent()", "instruction", "instructions", (odd: object) => defineAgent({ ...agentOf(), ...odd })],
  ["defineTool()", "excute", "execute", (odd: object) => defineTool({ ...tool, ...odd })],
  ['Agent "a": limits', "maxTurn", "maxTurns", (limits: object) => defineAgent({ ...agentOf(), limits })],
  ['Agent "a": limits', "maxturns", "maxTurns", (limits: object) => openSession(agent, { provider, limits })],
  ["claude()", "baseURL", "baseUrl", (odd: object) => claude(odd)],
  ["createClient()", "apikey", "apiKey", (odd: object) => createClient(odd)],
  ["provision()", "enviroment", "environment", (odd: object) => provision(claude(), agent, odd)],
  ["embeddedHost()", "modle", "model", (odd: object) => embeddedHost({ model, ...odd })],
  ["listen()", "prot", "port", (odd: object) => embeddedHost({ model }).listen(odd)],
  ["local()", "modle", "model", (odd: object) => local({ model, ...odd })],
  ["local(): guards", "duplicateCall", "duplicateCalls", (guards: object) => local({ model, guards })],
  [
    "local(): compaction",
    "aboveToken",
    "aboveTokens",
    (odd: object) => local({ model, compaction: { aboveTokens: 9, ...odd } }),
  ],
  ["anthropicMessages()", "max_tokens", "maxTokens", (odd: object) => anthropicMessages(odd)],
  ["anthropicMessages(): retry", "attempt", "attempts", (retry: object) => anthropicMessages({ retry })],
  ["openAICompatible()", "baseURL", "baseUrl", (odd: object) => openAICompatible(odd)],
  ["aiSdkModel()", "setting", "settings", (odd: object) => aiSdkModel(theirs, odd)],
  ["budget()", "maxToken", "maxTokens", (odd: object) => budget({ maxTurns: 1, ...odd })],
  [
    "prices",
    "cachedReadPerMillion",
    "cacheReadPerMillion",
    (odd: object) => budget({ maxCost: 1, prices: { inputPerMillion: 1, outputPerMillion: 1, ...odd } }),
  ],
  ["mcpTools()", "comand", "command", (odd: object) => mcpTools({ name: "n", command: "c", ...odd })],
  ["sqliteStore()", "maxWait", "maxWaitMs", (odd: object) => sqliteStore(":memory:", odd)],
  ["memoryStore()", "nwo", "now", (odd: object) => memoryStore(odd)],
  ["listSessions()", "limt", "limit", (odd: object) => listSessions(memoryStore(), odd)],
  ["scriptedProvider()", "turn", "turns", (odd: object) => scriptedProvider(odd)],
  ["faultProxy()", "fault", "faults", (odd: object) => faultProxy({ target: "", faults: [], ...odd })],
  ["sessions()", "agent", "agents", (odd: object) => sessions(odd)],
  [
    "sessions(): agents",
    "acepts",
    "accepts",
    (odd: object) => sessions({ agents: [{ agent, provider, ...odd }] }),
  ],
  ["agentCoreStandIn()", "prot", "port", (odd: object) => agentCoreStandIn({ model, ...odd })],
  ["crashTest()", "killat", "killAt", (odd: object) => crashTest({ module: new URL("file:///no"), ...odd })],
  ["runConformance()", "teir", "tier", (odd: object) => runConformance({ baseUrl: "http://x", ...odd })],
  ["runAgent()", "sytem", "system", (odd: object) => causeOf(runAgent({ provider, ...odd }, "hi"))],
];

/** What an error of the messages' own kind was made of. */
function causeOf(failing: Promise<unknown>): Promise<unknown> {
  return failing.catch((thrown: unknown) => Promise.reject(Object(thrown).cause));
}

function agentOf() {
  return { name: "a", instructions: "" };
}

it.each(TABLE)("%s refuses %s by name: the nearest is %s", async (owner, name, nearest, use) => {
  const misspelt = { [name]: "s3cret" } as never;
  await expect((async () => use(misspelt))()).rejects.toMatchObject({
    code: "invalid_options",
    message: `${owner} has no option "${name}"; the nearest is "${nearest}".`,
  });
});

it("looks names up as own keys only, and shows of a name no more than a line holds", () => {
  const known: Names<{ to: 1; constructors: 1 }> = { to: 1, constructors: 1 };
  const refuse = (options: unknown) => () => checkNames("x()", options, known);
  expect(refuse(JSON.parse('{"__proto__": 1}'))).toThrow('x() has no option "__proto__"');
  expect(refuse({ toString: 1 })).toThrow('x() has no option "toString"');
  expect(refuse({ constructor: 1 })).toThrow('the nearest is "constructors"');
  expect(refuse({ ["a\n".repeat(90_000)]: 1 })).toThrow(/^.{0,250}$/);
  expect(refuse(7)).toThrow("x() takes an object; got a number.");
  expect(refuse({ to: undefined })).not.toThrow();
});

it.each<[options: object, says: string]>([
  [{ onApproval: 1 }, "onApproval must be a function; got a number."],
  [{ onEvent: "log" }, "onEvent must be a function; got a string."],
  [{ ifOwned: "steal" }, 'ifOwned must be "fail", "wait" or "take"; got a string.'],
  [{ ifAgentChanged: true }, 'ifAgentChanged must be "refuse" or "accept"; got a boolean.'],
  [
    { ifCallUnknown: "ask" },
    'ifCallUnknown must be "answer", "leave", "fail" or { answerAfterMs: 500 }; got a string.',
  ],
  [
    { ifCallUnknown: { answerAfter: 1 } },
    'ifCallUnknown must be "answer", "leave", "fail" or { answerAfterMs: 500 }; got an object.',
  ],
  [{ keepEvents: "some" }, "keepEvents must be"],
  [{ signal: {} }, "signal must be an AbortSignal; got an object."],
  [{ guard: {} }, "guard must be a function; got an object."],
  [{ clock: Date }, "clock must be an object with now(), after(); got a function."],
  [{ sessionId: "" }, "sessionId must be a string of whole characters, not empty; got a string."],
  [{ sessionId: "s\ud800" }, "sessionId must be a string of whole characters, not empty; got a string."],
  [{ store: "sessions.db" }, "store must be a store, such as sqliteStore(path); got a string."],
  [
    { provider: "claude" },
    "provider must be a provider, such as local({ model }) or claude(); got a string.",
  ],
  [
    { provider: undefined },
    "provider must be a provider, such as local({ model }) or claude(); got undefined.",
  ],
])("openSession() refuses %j, of another kind", async (options, says) => {
  await expect(openSession(agent, { provider, ...options })).rejects.toMatchObject({
    code: "invalid_options",
    message: expect.stringContaining(`openSession(): ${says}`),
  });
});

it.each<[options: object, says: string]>([
  [{ signal: "soon" }, "A run: signal must be an AbortSignal; got a string."],
  [{ ifWaiting: "park" }, 'A run: ifWaiting must be "hold" or "return"; got a string.'],
  [{ system: 1 }, "A run: system must be a string; got a number."],
])("a run refuses %j, of another kind", async (options, says) => {
  const open = await session();
  const refused = expect.objectContaining({ code: "invalid_options", message: says });
  expect(() => open.send("hi", options as never)).toThrow(refused);
  expect(() => open.resume(options as never)).toThrow(refused);
});

it.each([undefined, null, "", 7, "a\0b"])("sqliteStore(%j) says what it needs", (path) => {
  expect(() => sqliteStore(path as never)).toThrow(
    expect.objectContaining({
      code: "invalid_options",
      message: expect.stringContaining(
        'sqliteStore(): path must be the path of a file, such as "sessions.db"; got ',
      ),
    }),
  );
});
