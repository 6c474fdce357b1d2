// Where address and key come from, what is sent with them, and that the key is shown to nobody.

import { createServer } from "node:http";
import type { IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { inspect } from "node:util";

import { Anthropic } from "@anthropic-ai/sdk";
import { LoophostError } from "loophost";
import type { ClaudeConnectionOptions } from "loophost/providers/claude";
import { claude, createClient } from "loophost/providers/claude";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";

const SECRET = "sk-ant-sentinel-0123456789";
const VARIABLES = ["ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_BASE_URL"];

/** Answers as it is told to, and remembers what it was asked. */
let answer: (request: IncomingMessage) => { status?: number; headers?: Record<string, string>; body: string };
let asked: IncomingMessage[];
const server = createServer((request, response) => {
  asked.push(request);
  const { status = 200, headers = {}, body } = answer(request);
  response.writeHead(status, { "content-type": "application/json", ...headers }).end(body);
});
let url: string;

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
beforeEach(() => {
  asked = [];
  answer = () => ({ body: '{"id":"agent_1"}' });
  for (const name of VARIABLES) vi.stubEnv(name, undefined);
});
afterEach(() => void vi.unstubAllEnvs());
afterAll(() => server.close());

/** The headers of a request made with some options. */
async function headersOf(options: ClaudeConnectionOptions) {
  await createClient({ baseUrl: url, ...options }).agents.get("agent_1");
  return asked.at(-1)?.headers ?? {};
}

describe("the ladder: option, environment variable, default [A-238] [A-240]", () => {
  it("takes the key from the option, else from the variable, and none is needed on loopback [A-035]", async () => {
    expect(await headersOf({})).toMatchObject({ "x-api-key": "loopback" });
    vi.stubEnv("ANTHROPIC_API_KEY", "from-variable");
    expect(await headersOf({})).toMatchObject({
      "x-api-key": "from-variable",
      authorization: "Bearer from-variable",
    });
    expect(await headersOf({ apiKey: " from-option\n" })).toMatchObject({ "x-api-key": "from-option" });
  });

  it("sends no key at all when the option says null, whatever the variable says", async () => {
    vi.stubEnv("ANTHROPIC_API_KEY", "from-variable");
    const headers = await headersOf({ apiKey: null });
    expect(headers).not.toHaveProperty("x-api-key");
    expect(headers).not.toHaveProperty("authorization");
  });

  it("takes a bearer token in place of a key; the key's variable comes first", async () => {
    vi.stubEnv("ANTHROPIC_AUTH_TOKEN", "token");
    const headers = await headersOf({});
    expect(headers.authorization).toBe("Bearer token");
    expect(headers).not.toHaveProperty("x-api-key");
    vi.stubEnv("ANTHROPIC_API_KEY", "key");
    expect(await headersOf({})).toMatchObject({ authorization: "Bearer key", "x-api-key": "key" });
    expect(await headersOf({ authToken: "given", auth: "x-api-key" })).toMatchObject({
      authorization: "Bearer given",
    });
  });

  it.each([
    ["bearer", { authorization: "Bearer k" }, "x-api-key"],
    ["x-api-key", { "x-api-key": "k" }, "authorization"],
  ] as const)("sends the key as %s alone when asked to", async (auth, sent, unsent) => {
    const headers = await headersOf({ apiKey: "k", auth });
    expect(headers).toMatchObject(sent);
    expect(headers).not.toHaveProperty(unsent);
  });

  it("takes the address from the option, else from the variable; an empty variable is none [L-37]", async () => {
    vi.stubEnv("ANTHROPIC_BASE_URL", `${url}/`);
    await createClient().agents.get("agent_1");
    expect(asked).toHaveLength(1);
    vi.stubEnv("ANTHROPIC_BASE_URL", "");
    vi.stubEnv("ANTHROPIC_API_KEY", "");
    expect(() => createClient()).toThrow(
      expect.objectContaining({
        code: "missing_credentials",
        message: expect.stringMatching(/api\.anthropic\.com.*apiKey.*ANTHROPIC_API_KEY/),
      }),
    );
  });

  it("names beta and version, or what is given in their place [A-105]", async () => {
    expect(await headersOf({})).toMatchObject({ "anthropic-beta": "managed-agents-2026-04-01" });
    const headers = await headersOf({ beta: "another", version: "2020-01-01" });
    expect(headers).toMatchObject({ "anthropic-beta": "another", "anthropic-version": "2020-01-01" });
    expect(await headersOf({ beta: null })).not.toHaveProperty("anthropic-beta");
  });

  it.each([
    [{ apiKey: "" }, "missing_credentials"],
    [{ apiKey: " \n" }, "missing_credentials"],
    [{ authToken: "" }, "missing_credentials"],
    [{ apiKey: "a", authToken: "b" }, "invalid_options"],
    [{ apiKey: `${SECRET}\nx` }, "invalid_options"],
    [{ baseUrl: "not an address" }, "invalid_options"],
    [{ baseUrl: "ftp://x" }, "invalid_options"],
    [{ baseUrl: `http://user:${SECRET}@127.0.0.1` }, "invalid_options"],
  ])("refuses %j before anything is sent, without showing it [A-239] [I11]", (options, code) => {
    const thrown = (() => {
      try {
        return createClient({ baseUrl: url, ...options });
      } catch (error) {
        return error;
      }
    })();
    expect(thrown).toMatchObject({ code });
    expect(shown(thrown)).not.toContain(SECRET);
  });
});

describe("the key [A-241] [I11]", () => {
  const withKey = (options: ClaudeConnectionOptions = {}) =>
    createClient({ baseUrl: url, apiKey: SECRET, retry: { attempts: 1 }, ...options });

  it("is not in what a client or a provider prints [A-113]", () => {
    for (const value of [withKey(), claude({ baseUrl: url, apiKey: SECRET })])
      expect(shown(value)).not.toContain(SECRET);
  });

  it.each<[string, typeof answer]>([
    [
      "quotes the request",
      ({ headers }) => ({
        status: 400,
        body: JSON.stringify({ error: { message: JSON.stringify(headers) } }),
      }),
    ],
    [
      "quotes it in a page",
      ({ headers }) => ({
        status: 502,
        headers: { "content-type": "text/html" },
        body: `<p>${headers.authorization}</p>`,
      }),
    ],
    ["quotes it in a header", () => ({ status: 401, headers: { "x-echo": `Bearer ${SECRET}` }, body: "{}" })],
    ["answers with no JSON", () => ({ body: `{"id": ${SECRET}` })],
    ["answers with a list", () => ({ body: `["${SECRET}"]` })],
  ])("is in no error of a host that %s", async (_, says) => {
    answer = says;
    expect(await failure(withKey())).toBeInstanceOf(LoophostError);
    expect(shown(await failure(withKey()))).not.toContain(SECRET.slice(0, 6));
    const ready = new Anthropic({ baseURL: url, apiKey: SECRET });
    expect(shown(await failure(createClient({ client: ready, retry: { attempts: 1 } })))).not.toContain(
      SECRET,
    );
  });

  it("is in no error of a network that quotes it", async () => {
    const quoting: typeof fetch = () => {
      const cause = Object.assign(new Error(`no way to ${SECRET}`), { headers: { "x-api-key": SECRET } });
      return Promise.reject(new TypeError("fetch failed", { cause }));
    };
    const error = await failure(withKey({ fetch: quoting }));
    expect(error).toMatchObject({ code: "host_unreachable", message: expect.stringContaining("[key]") });
    expect(shown(error)).not.toContain(SECRET);
  });

  it("does not follow a redirect", async () => {
    answer = ({ url: path }) =>
      path === "/stolen"
        ? { body: '{"id":"agent_1"}' }
        : { status: 307, headers: { location: "/stolen" }, body: "" };
    expect(await failure(withKey())).toMatchObject({
      code: "host_protocol",
      status: 307,
      message: expect.stringContaining("Check baseUrl"),
    });
    expect(asked.map(({ url: path }) => path)).toEqual(["/v1/agents/agent_1"]);
  });
});

function failure(client: ReturnType<typeof createClient>): Promise<unknown> {
  return client.agents.get("agent_1").catch((thrown: unknown) => thrown);
}

/** Everything a program may print of something, its causes included. */
function shown(value: unknown): string {
  const causes: unknown[] = [];
  for (let cause = value; cause instanceof Error; { cause } = cause)
    causes.push(cause, String(cause), cause.stack);
  const json = JSON.stringify(
    causes.map((cause) => (cause instanceof Error ? Object.entries(cause) : cause)),
  );
  return [inspect(value, { depth: 20, showHidden: true }), JSON.stringify(value), String(value), json].join(
    "\n",
  );
}
