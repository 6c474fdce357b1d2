import type { SessionEvent } from "loophost";
import { defineAgent, defineTool, openSession, run } from "loophost";
import type { ClaudeOptions } from "loophost/providers/claude";
import { claude } from "loophost/providers/claude";
import type { ModelFunction } from "loophost/providers/local";
import type { EmbeddedHost } from "loophost/server";
import { embeddedHost } from "loophost/server";
import { settleMicrotasks } from "loophost/testing";
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from "vitest";

/** A model that makes the calls its first message asks for, "add 2 3; add 4 5", then tells the results. */
const calculator: ModelFunction = ({ messages }) => {
  const last = messages.at(-1);
  if (last?.role === "tool")
    return last.results.map(({ result }) => JSON.stringify(result.content[0])).join(" ");
  const asked = last?.role === "user" && last.content[0]?.type === "text" ? last.content[0].text : "";
  const calls = [...asked.matchAll(/add (\d+) (\d+)/g)];
  if (calls.length === 0) return `You said: ${asked}`;
  return calls.map(
    ([, a, b], index) =>
      ({
        type: "tool_call",
        id: `toolu_${index}`,
        name: "add",
        input: { a: Number(a), b: Number(b) },
      }) as const,
  );
};

let host: EmbeddedHost;
let url: string;
let stop: () => Promise<void>;
let added: string[];

beforeAll(async () => {
  host = embeddedHost({ model: calculator });
  const listening = await host.listen({});
  url = listening.url;
  stop = () => listening.close();
});

afterAll(async () => {
  await stop();
  await host.close();
});

const add = defineTool({
  name: "add",
  description: "Adds two numbers",
  input: {
    type: "object",
    properties: { a: { type: "number" }, b: { type: "number" } },
    required: ["a", "b"],
  },
  execute: ({ a, b }) => {
    added.push(`${String(a)}+${String(b)}`);
    return Number(a) + Number(b);
  },
});
const agent = defineAgent({
  name: "adder",
  instructions: "Add.",
  model: "anthropic:local-model",
  tools: [add],
});

/** A provider whose requests pass through `fault`, which may break the reply or the stream after the host took them. */
function faulty(
  fault: (request: Request, response: Response) => Response | Promise<Response>,
  options: Partial<ClaudeOptions> = {},
) {
  const requests: string[] = [];
  const through: typeof fetch = async (input, init) => {
    const request = new Request(input, init);
    requests.push(`${request.method} ${new URL(request.url).pathname.replace(/sesn_\w+/, "S")}`);
    return fault(request.clone(), await fetch(request));
  };
  return { provider: claude({ baseUrl: url, fetch: through, ...options }), requests };
}

/** What the host's own log says of a session. */
async function hostLog(sessionId: string): Promise<{ type: string }[]> {
  const response = await fetch(`${url}/v1/sessions/${sessionId}/events?limit=1000`);
  return ((await response.json()) as { data: { type: string }[] }).data;
}

const count = (events: readonly { type: string }[], type: string) =>
  events.filter((event) => event.type === type).length;

describe("claude(), over the official SDK and real HTTP", () => {
  it("runs tools here, tells text as it comes, and ends on a typed terminal [A-034] [A-045] [A-001]", async () => {
    added = [];
    await using session = await openSession(agent, { provider: claude({ baseUrl: url }) });
    const started = session.send("add 2 3; add 4 5");
    const events: SessionEvent[] = [];
    for await (const event of started) events.push(event);
    expect(added).toEqual(["2+3", "4+5"]);
    const result = await started.result();
    expect(result).toMatchObject({
      terminal: "end_turn",
      stopReason: { type: "end_turn" },
      turns: 2,
      sessionId: expect.stringMatching(/^sesn_/),
    });
    expect(result.text).toContain("5");
    expect(result.toolCalls).toHaveLength(2);
    const types = events.map((event) => event.type);
    expect(types.indexOf("text.delta")).toBeLessThan(types.lastIndexOf("message"));
    expect(count(await hostLog(session.id), "user.custom_tool_result")).toBe(2);
  });

  it("holds a conversation of several runs, each with its own counters [A-151] [A-152]", async () => {
    added = [];
    await using session = await openSession(agent, { provider: claude({ baseUrl: url }) });
    expect((await session.send("add 1 1").result()).turns).toBe(2);
    const second = await session.send("hello").result();
    expect(second).toMatchObject({ text: "You said: hello", turns: 1, toolCalls: [] });
  });

  it("makes agent and environment once for a definition, and finds them again [A-048] [A-049]", async () => {
    const { provider, requests } = faulty((_, response) => response);
    for (const prompt of ["one", "two"])
      await run(defineAgent({ ...agentParts, name: "found-again" }), { provider, prompt });
    expect(requests.filter((request) => request === "POST /v1/agents")).toHaveLength(1);
    expect(requests.filter((request) => request === "POST /v1/sessions")).toHaveLength(2);
  });

  it("needs a model, and a key off loopback, before anything is sent [A-239] [L-37]", async () => {
    await expect(
      run(defineAgent({ name: "x", instructions: "" }), { provider: claude({ baseUrl: url }), prompt: "hi" }),
    ).rejects.toMatchObject({ code: "invalid_agent" });
    vi.stubEnv("ANTHROPIC_API_KEY", "");
    onTestFinished(() => void vi.unstubAllEnvs());
    await expect(run(agent, { provider: claude(), prompt: "hi" })).rejects.toMatchObject({
      code: "missing_credentials",
    });
  });

  it("says who could not be reached, and what was refused, without the key [I11]", async () => {
    const unreachable = claude({
      baseUrl: "http://127.0.0.1:9",
      apiKey: "sk-secret",
      retry: { attempts: 1 },
    });
    const error: unknown = await run(agent, { provider: unreachable, prompt: "hi" }).catch(
      (thrown: unknown) => thrown,
    );
    expect(error).toMatchObject({ code: "host_unreachable" });
    expect(JSON.stringify([error, String(error)])).not.toContain("sk-secret");
    const unknown = openSession(agent, { provider: claude({ baseUrl: url }), sessionId: "sesn_nobody" });
    await expect(unknown).rejects.toMatchObject({
      code: "session_not_found",
      status: 404,
      requestId: expect.any(String),
    });
  });
});

const agentParts = { instructions: agent.instructions, model: "local-model", tools: [add] };

describe("claude(), in process", () => {
  it("works over a host's fetch without a socket, and lets go of it [A-033]", async () => {
    const provider = claude({
      baseUrl: "http://127.0.0.1",
      fetch: (input, init) => host.fetch(new Request(input, init)),
    });
    expect((await run(agent, { provider, prompt: "no socket" })).text).toBe("You said: no socket");
  });
});

describe("claude(), when things break", () => {
  const isPost = (request: Request, text: string) =>
    request.method === "POST" &&
    request.url.endsWith("/events") &&
    request
      .clone()
      .text()
      .then((body) => body.includes(text));

  it("sends a message once, though its reply was lost [I5] [L-29]", async () => {
    let lost = 0;
    const { provider } = faulty(async (request, response) => {
      if (lost === 0 && (await isPost(request, "user.message"))) {
        lost += 1;
        throw new TypeError("reply lost");
      }
      return response;
    });
    const result = await run(agent, { provider, prompt: "only once" });
    expect(result.text).toBe("You said: only once");
    expect(lost).toBe(1);
    expect((await hostLog(result.sessionId)).filter((event) => event.type === "user.message")).toHaveLength(
      1,
    );
  });

  it("runs a tool once, though the reply to its result was lost, and takes 'already answered' for success [I3] [I5]", async () => {
    added = [];
    let lost = 0;
    const { provider } = faulty(async (request, response) => {
      if (lost === 0 && (await isPost(request, "user.custom_tool_result"))) {
        lost += 1;
        throw new TypeError("reply lost");
      }
      return response;
    });
    const result = await run(agent, { provider, prompt: "add 20 22" });
    expect(added).toEqual(["20+22"]);
    expect(lost).toBe(1);
    expect(count(await hostLog(result.sessionId), "user.custom_tool_result")).toBe(1);
  });

  it.each([0, 1, 200, 700, 1500, 2500])(
    "opens the stream again when it is cut after %i bytes, loses nothing and repeats nothing [I1] [L-19] [A-009]",
    async (bytes) => {
      added = [];
      let cuts = 0;
      const { provider } = faulty((request, response) => {
        if (!request.url.includes("/stream") || cuts > 0 || response.body === null) return response;
        cuts += 1;
        return new Response(cutAfter(response.body, bytes), response);
      });
      const result = await run(agent, { provider, prompt: "add 3 4" });
      expect(result).toMatchObject({
        terminal: "end_turn",
        toolCalls: [{ name: "add", input: { a: 3, b: 4 } }],
      });
      expect(added).toEqual(["3+4"]);
      expect(result.text).toContain("7");
    },
  );

  it("takes up a session another process left in the middle, running what is unanswered first [A-155] [A-156] [A-122] [A-124] [A-128]", async () => {
    added = [];
    const { provider } = faulty(async (request, response) => {
      if (await isPost(request, "user.custom_tool_result")) return new Promise<Response>(() => undefined);
      return response;
    });
    const never = defineTool({
      name: "add",
      description: "Never comes back",
      input: { type: "object" },
      execute: () => new Promise(() => undefined),
    });
    const first = await openSession(defineAgent({ ...agentParts, name: "adder", tools: [never] }), {
      provider,
    });
    const left = first.send("add 5 6");
    left.result().catch(() => undefined);
    for await (const event of left) if (event.type === "turn.ended") break;
    await settleMicrotasks();
    await first.close();

    await using second = await openSession(agent, {
      provider: claude({ baseUrl: url }),
      sessionId: first.id,
    });
    const result = await second.send("and now?").result();
    expect(added).toEqual(["5+6"]);
    expect(result.text).toBe("You said: and now?");
    const told = (await hostLog(first.id))
      .map((event) => event.type)
      .filter((type) => type.startsWith("user."));
    expect(told).toEqual(["user.message", "user.custom_tool_result", "user.message"]);
  });

  it("tells the host to stop when a run is aborted, and is ready for the next [A-005]", async () => {
    const stuck = defineTool({
      name: "add",
      description: "Hangs",
      input: { type: "object" },
      execute: () => new Promise(() => undefined),
    });
    await using session = await openSession(defineAgent({ ...agentParts, name: "stuck", tools: [stuck] }), {
      provider: claude({ baseUrl: url }),
    });
    const abort = new AbortController();
    const aborted = session.send("add 1 2", { signal: abort.signal });
    for await (const event of aborted) if (event.type === "turn.ended") break;
    abort.abort();
    await expect(aborted.result()).rejects.toMatchObject({ code: "aborted" });
    expect((await session.send("still there?").result()).text).toBe("You said: still there?");
  });
});

/** Passes so many bytes on, then breaks. */
function cutAfter(body: ReadableStream<Uint8Array>, bytes: number): ReadableStream<Uint8Array> {
  let left = bytes;
  return body.pipeThrough(
    new TransformStream({
      transform(chunk: Uint8Array, controller) {
        controller.enqueue(chunk.slice(0, left));
        left -= chunk.length;
        if (left <= 0) controller.error(new TypeError("terminated"));
      },
    }),
  );
}
