// `loophost verify` against stand-ins: all as documented; with something planted, that is named; against nothing, all red.

import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

import type { HostEvent, Provider } from "loophost";
import { agentcore } from "loophost/providers/agentcore";
import { claude, createClient } from "loophost/providers/claude";
import { anthropicMessages, local, openAICompatible } from "loophost/providers/local";
import { embeddedHost } from "loophost/server";
import { agentCoreStandIn } from "loophost/testing/agentcore";
import { describe, expect, it, onTestFinished } from "vitest";

import type { Verdict } from "../../../src/cli/verify/run-verify.ts";
import { runVerify } from "../../../src/cli/verify/run-verify.ts";
import type { VerifyTarget } from "../../../src/cli/verify/trial.ts";
import { obedient, startChatService, startMessagesService } from "./obedient.ts";

const KEY = "the-right-key";

async function claudeTarget(): Promise<VerifyTarget> {
  const host = embeddedHost({ model: obedient, apiKey: KEY });
  const { url } = await host.listen();
  onTestFinished(() => host.close());
  return claudeAt(url);
}

function claudeAt(baseUrl: string): VerifyTarget {
  const client = createClient({ baseUrl, apiKey: KEY });
  return {
    name: "claude",
    model: "any",
    provider: (how = {}) => claude({ baseUrl, apiKey: KEY, ...how }),
    takesFetch: true,
    hasKey: true,
    knowsSessions: true,
    takesRawEvents: true,
    remove: (id) => client.sessions.delete(id),
  };
}

function modelTarget(name: string, provider: VerifyTarget["provider"]): VerifyTarget {
  return {
    name,
    model: "any",
    provider,
    takesFetch: true,
    hasKey: true,
    knowsSessions: false,
    takesRawEvents: false,
  };
}

const targets: Record<string, () => Promise<VerifyTarget>> = {
  claude: claudeTarget,
  agentcore: async () => {
    const standIn = await agentCoreStandIn({ model: obedient });
    onTestFinished(() => standIn.close());
    const { url, harnessArn } = standIn;
    const provider = () => agentcore({ harnessArn, baseUrl: url, controlBaseUrl: url });
    const target = modelTarget("agentcore", provider);
    return { ...target, model: undefined, takesFetch: false, hasKey: false };
  },
  anthropic: async () => {
    const { url, key } = await startMessagesService();
    return modelTarget("anthropic", (how) =>
      local({ model: anthropicMessages({ baseUrl: url, apiKey: key, ...how }) }),
    );
  },
  openai: async () => {
    const { url, key } = await startChatService();
    return modelTarget("openai", (how) =>
      local({ model: openAICompatible({ baseUrl: url, apiKey: key, ...how }) }),
    );
  },
};

async function verify(
  target: VerifyTarget,
  only?: readonly string[],
  timeoutMs = 10_000,
): Promise<readonly Verdict[]> {
  return runVerify(target, { signal: new AbortController().signal, timeoutMs, only });
}

const differing = (verdicts: readonly Verdict[]) =>
  verdicts.flatMap(({ outcome, id, seen }) => (outcome === "differs" ? `${id}: ${seen}` : []));

it.each(Object.keys(targets))("%s is as documented, all of it [A-250] [A-251]", async (name) => {
  const verdicts = await verify((await targets[name]?.())!);
  expect(differing(verdicts)).toEqual([]);
  expect(verdicts.filter(({ outcome }) => outcome === "same").length).toBeGreaterThanOrEqual(18);
});

/** A provider whose host says something else: each event as it comes, or others in its place. */
function twisted(provider: Provider, twist: Twist): Provider {
  return {
    ...provider,
    async open(request) {
      const emit = (event: HostEvent) => {
        for (const one of twist.event?.(event) ?? [event]) request.emit(one);
      };
      const connection = await provider.open({ ...request, ...twist.request?.(request), emit });
      const send: typeof connection.send = (inputs, signal) =>
        connection.send(twist.send?.(inputs) ?? inputs, signal);
      return {
        sessionId: connection.sessionId,
        send,
        catchUp: () => connection.catchUp(),
        transcript: () => connection.transcript(),
        close: () => connection.close(),
      };
    },
  };
}

type Opening = Parameters<Provider["open"]>[0];
interface Twist {
  readonly event?: (event: HostEvent) => readonly HostEvent[];
  readonly send?: (inputs: Parameters<Awaited<ReturnType<Provider["open"]>>["send"]>[0]) => typeof inputs;
  readonly request?: (request: Opening) => Partial<Opening>;
}

const of = <T extends HostEvent["type"]>(
  type: T,
  change: (event: Extract<HostEvent, { type: T }>) => readonly HostEvent[],
): Twist => ({
  event: (event) => (event.type === type ? change(event as Extract<HostEvent, { type: T }>) : [event]),
});

/** What is planted, and the scenario that has to name it. */
const planted: Record<string, readonly [only: string, twist: Twist]> = {
  "tells no tokens": ["usage.shape", of("usage", () => [])],
  "tells tokens as fractions": [
    "usage.shape",
    of("usage", (event) => [{ ...event, usage: { ...event.usage, inputTokens: 1.5 } }]),
  ],
  "says nothing": ["text.answer", of("message", (event) => [{ ...event, text: "" }])],
  "ends as refused": ["text.answer", of("turn.done", (event) => [{ ...event, ending: "refusal" }])],
  "cuts long answers": [
    "text.long",
    of("message", (event) => [{ ...event, text: event.text.slice(0, 100) }]),
  ],
  "streams other words than it says": [
    "text.long",
    of("text.delta", (event) => [{ ...event, text: "other" }]),
  ],
  "gives no stop reason": ["stop.reason", of("turn.done", (event) => [{ ...event, stopReason: null }])],
  "drops the instructions": [
    "instructions.held",
    { request: ({ agent }) => ({ agent: { ...agent, instructions: "Be brief." } }) },
  ],
  "changes inputs": ["tool.one", of("call", (event) => [{ ...event, input: { text: "other" } }])],
  "gives two calls one id": ["tool.parallel", of("call", (event) => [{ ...event, id: "same" }])],
  "mangles other scripts": [
    "tool.unicode",
    of("call", (event) => [
      { ...event, input: JSON.parse(JSON.stringify(event.input).replaceAll(/[^\x20-\x7e]/g, "?")) },
    ]),
  ],
  "flattens nested input": [
    "tool.nested",
    of("call", (event) => [{ ...event, input: { text: "x", deep: "[object]" } }]),
  ],
  "gives null for no input": ["tool.empty", of("call", (event) => [{ ...event, input: { nothing: null } }])],
  "swaps results": [
    "answer.given",
    {
      send: (inputs) =>
        inputs.map((input) =>
          input.type === "tool_result"
            ? { ...input, result: { content: [{ type: "text" as const, text: "swapped" }], isError: false } }
            : input,
        ),
    },
  ],
  "goes on when it is interrupted": [
    "run.interrupted",
    of("turn.done", (event) => [{ ...event, ending: "completed", stopReason: "end_turn" }]),
  ],
  "never ends": ["text.answer", of("turn.done", () => [])],
};

describe("a host that", () => {
  it.each(Object.entries(planted))("%s is named", async (_, [only, twist]) => {
    const target = modelTarget("planted", () => twisted(local({ model: obedient }), twist));
    const verdicts = await verify(target, [only], 500);
    expect(verdicts.map(({ id, outcome }) => [id, outcome])).toEqual([[only, "differs"]]);
    expect(verdicts[0]?.seen).not.toBe("");
    // The same without what is planted, so that it is that which was named.
    expect(
      differing(
        await verify(
          modelTarget("honest", () => local({ model: obedient })),
          [only],
        ),
      ),
    ).toEqual([]);
  });

  it.each([
    ["forgets when it is attached to", "session.reattached"],
    ["begins sessions it does not know", "session.unknown"],
  ])("%s is named", async (_, only) => {
    const target = await claudeTarget();
    const forgetful: VerifyTarget = {
      ...target,
      provider: () => twisted(target.provider(), { request: () => ({ sessionId: undefined }) }),
    };
    expect(differing(await verify(forgetful, [only]))).toHaveLength(1);
    expect(differing(await verify(target, [only]))).toEqual([]);
  });

  it("takes any key is named", async () => {
    const target = await claudeTarget();
    expect(
      differing(await verify({ ...target, provider: () => target.provider() }, ["key.refused"])),
    ).toHaveLength(1);
  });

  it("answers 404 to everything has every row red", async () => {
    const server = createServer((_, response) => {
      response.writeHead(404, { "content-type": "application/json" });
      response.end(JSON.stringify({ error: { type: "not_found_error", message: "not found" } }));
    });
    await once(server.listen(0, "127.0.0.1"), "listening");
    onTestFinished(() => void server.close());
    const { port } = server.address() as AddressInfo;
    const url = `http://127.0.0.1:${port}`;
    const everywhere = [
      claudeAt(url),
      modelTarget("openai", (how) =>
        local({ model: openAICompatible({ baseUrl: url, apiKey: KEY, ...how }) }),
      ),
      modelTarget("anthropic", (how) =>
        local({ model: anthropicMessages({ baseUrl: url, apiKey: KEY, ...how }) }),
      ),
    ];
    for (const target of everywhere) {
      const verdicts = await verify(target);
      expect(verdicts.filter(({ outcome }) => outcome === "same").map(({ id }) => id)).toEqual([]);
      expect(differing(verdicts).length).toBeGreaterThanOrEqual(18);
    }
  });
});
