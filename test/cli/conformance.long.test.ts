// `loophost conformance` against `loophost serve` in another process, and against servers that are wrong.

import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

import { afterAll, beforeAll, describe, expect, it } from "vitest";

import type { Started } from "./loophost.ts";
import { loophost, start } from "./loophost.ts";

const KEY = "host-key";

describe("against loophost serve", () => {
  let host: Started;
  let url = "";
  beforeAll(async () => {
    host = start(["serve", "--port", "0"], { env: { LOOPHOST_API_KEY: KEY } });
    let said = "";
    host.child.stdout.on("data", (text) => (said += text));
    await host.saw("Ctrl-C stops it.");
    url = /http:\S+/.exec(said)?.[0] ?? "";
  });
  afterAll(async () => {
    host.child.kill("SIGINT");
    await host.ended;
  });

  it("prints a line per check, by area, and a sum, and ends with 0", async () => {
    // The sign of life of `serve` takes 15 seconds.
    const args = ["conformance", url, "--skip", "stream.signs-of-life"];
    const { code, stdout, stderr } = await loophost(args, { env: { LOOPHOST_API_KEY: KEY } });
    expect(stdout).not.toContain("✗");
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toMatch(/^access\n {2}✓ takes the key as Authorization: Bearer {2}\[access\.bearer\]\n/);
    expect(stdout).toContain("\n\nturns\n  ✓ says session.status_running before");
    expect(stdout).toContain("  – stops a model at work: end_turn, without an error  [interrupts.running]\n");
    expect(stdout).toContain("      skipped: the model did not take long enough to be interrupted\n");
    expect(stdout).toMatch(/\n {2}yes does a POST with an Idempotency-Key once/);
    expect(stdout).toMatch(/\n\n1\d\d passed, 0 failed, \d skipped in .* m?s\.\n$/);
    expect(stdout).not.toContain(KEY);
  }, 60_000);

  it("gives the report as JSON, of the checks that were asked for", async () => {
    const args = [
      "conformance",
      url,
      "--api-key",
      KEY,
      "--auth",
      "x-api-key",
      "--only",
      "errors,agents.list",
    ];
    const { code, stdout } = await loophost([...args, "--tier", "1", "--json"]);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ baseUrl: url, passed: 5, failed: 0, skipped: 0, left: [] });
  });

  it("ends with 2 when the flags leave no check to run", async () => {
    const args = ["conformance", url, "--api-key", KEY, "--only", "stream", "--skip", "stream"];
    expect(await loophost(args)).toMatchObject({
      code: 2,
      stdout: "",
      stderr: expect.stringContaining("--only, --skip and --tier together leave no check to run."),
    });
  });

  it("ends with 5 when the key is refused, and shows no key [I11]", async () => {
    const { code, stderr } = await loophost(["conformance", url, "--api-key", "other-key"]);
    expect(code).toBe(5);
    expect(stderr).toMatch(
      /refuses the key with 401\. --api-key or LOOPHOST_API_KEY gives it, --auth says how/,
    );
    expect(stderr).not.toContain("other-key");
  });
});

it("shows of a failure what was sent, what came, what was expected and why it matters, and ends with 1", async () => {
  // It has nothing, takes nothing, and steers terminals, too.
  const server = createServer(({ method }, response) => {
    if (method === "GET") response.writeHead(200, { "content-type": "application/json" }).end('{"data":[]}');
    else response.writeHead(418).end("\u001b[31mteapot");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const { code, stdout } = await loophost([
    "conformance",
    `http://127.0.0.1:${port}`,
    "--only",
    "errors.json",
  ]);
  expect([code, stdout.split("\n")]).toEqual([
    1,
    [
      "errors",
      "  ✗ answers 400 invalid_request_error to a body that is not JSON  [errors.json]",
      '      sent:     POST /v1/agents {"name":',
      "      came:     418 [31mteapot",
      "      expected: status 400",
      "      matters:  Anything else looks like a server that failed, and is tried again.",
      "",
      expect.stringMatching(/^0 passed, 1 failed, 0 skipped in /),
      "",
    ],
  ]);
  server.close();
});

it("lists the checks without a server", async () => {
  const { code, stdout } = await loophost(["conformance", "--list"]);
  expect(code).toBe(0);
  expect(stdout).toMatch(/^access\.bearer +tier 1 {2}takes the key as Authorization: Bearer\n/);
  expect(stdout).toMatch(/\n\n\d+ checks\.\n$/);
});

it.each([
  [[], 2, "takes one argument"],
  [["http://127.0.0.1:1", "more"], 2, "takes one argument"],
  [["here"], 2, "is not an address"],
  [["http://127.0.0.1:1", "--only", "no.such"], 2, 'no area "no.such"'],
  [["http://127.0.0.1:1", "--tier", "4"], 2, "--tier must be one of 1, 2, 3"],
  [["http://127.0.0.1:1", "--auth", "basic"], 2, "--auth must be one of bearer"],
  [["http://127.0.0.1:1", "--timeout", "soon"], 2, "--timeout must be a number"],
  [["http://127.0.0.1:1"], 5, "cannot be reached"],
])("ends %j with %i", async (args, code, why) => {
  const ended = await loophost(["conformance", ...args]);
  expect([ended.code, ended.stdout]).toEqual([code, ""]);
  expect(ended.stderr).toContain(why);
});
