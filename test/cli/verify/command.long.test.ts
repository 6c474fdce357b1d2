// `loophost verify` as a command: against `loophost serve`-like hosts, and what it writes.

import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { createClient } from "loophost/providers/claude";
import { embeddedHost } from "loophost/server";
import { replayProvider } from "loophost/testing";
import { expect, it, onTestFinished } from "vitest";

import { leaksIn } from "../../../src/cli/verify/redaction.ts";
import { loophost } from "../loophost.ts";
import { obedient } from "./obedient.ts";

async function hosted(): Promise<string> {
  const host = embeddedHost({ model: obedient });
  onTestFinished(() => host.close());
  return (await host.listen()).url;
}

it("tells what it will send, asks, and prints what is documented beside what was seen", async () => {
  const url = await hosted();
  const unasked = await loophost(["verify", "--provider", "claude", "--base-url", url]);
  expect(unasked.code).toBe(2);
  expect(unasked.stdout).toMatch(/about \d+ requests to a model, some [\d,]+ tokens in/);
  expect(unasked.stderr).toContain("needs a yes");

  const folder = mkdtempSync(join(tmpdir(), "loophost-verify-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const args = ["verify", "--provider", "claude", "--base-url", url, "--yes", "--record", folder];
  const { code, stdout } = await loophost(args);
  expect([code, stdout]).toEqual([
    0,
    expect.stringMatching(/\d\d as documented, 0 not, 1 not for this host\./),
  ]);
  // What was made there is gone, and what was written leaks nothing and can be given back.
  expect(await Array.fromAsync(createClient({ baseUrl: url }).sessions.list())).toEqual([]);
  const files = readdirSync(folder);
  expect(files).toEqual(
    expect.arrayContaining(["manifest.json", "claude.tool.one.jsonl", "claude.tool.one.requests.jsonl"]),
  );
  for (const file of files) expect(leaksIn(readFileSync(join(folder, file), "utf8")), file).toEqual([]);
  expect(replayProvider(readFileSync(join(folder, "claude.tool.one.jsonl"), "utf8")).name).toBe("claude");
});

it.each(["claude", "anthropic", "openai", "agentcore"])(
  "sends nothing to %s before there is a yes, and says what it would take",
  async (provider) => {
    let asked = 0;
    const service = createServer((_, response) => {
      asked += 1;
      response.writeHead(404).end();
    });
    await once(service.listen(0, "127.0.0.1"), "listening");
    onTestFinished(() => void service.close());
    const url = `http://127.0.0.1:${(service.address() as AddressInfo).port}`;
    const harness = "arn:aws:bedrock-agentcore:us-west-2:123456789012:harness/Demo-AbCdEf1234";
    const args = ["verify", "--provider", provider, "--base-url", url, "--harness", harness];
    const env = {
      ANTHROPIC_API_KEY: "k",
      OPENAI_API_KEY: "k",
      AWS_ACCESS_KEY_ID: "k",
      AWS_SECRET_ACCESS_KEY: "k",
    };
    const plan =
      /about \d\d requests to a model, some [\d,]+ tokens in and [\d,]+ out; no price is known here/;
    const said = await loophost(args, { env });
    expect(said).toMatchObject({ code: 2, stdout: expect.stringMatching(plan) });
    const priced = await loophost([...args, "--price", "3/15", "--json"], { env });
    expect(priced).toMatchObject({ code: 2, stdout: "", stderr: expect.stringMatching(/ USD, at 3\/15 /) });
    expect(asked).toBe(0);
  },
);

it.each([
  [["verify"], 2, "Name the provider"],
  [["verify", "--provider", "openai", "--price", "cheap"], 2, "--price takes two numbers"],
  [["verify", "--provider", "nobody", "--yes"], 2, 'There is no provider "nobody"'],
  [["verify", "--provider", "openai", "--yes"], 4, "set OPENAI_API_KEY"],
  [["verify", "--provider", "claude", "--only", "none"], 2, 'There is no scenario "none"'],
])("%o ends with %i [A-253]", async (args, code, says) => {
  expect(await loophost(args)).toMatchObject({ code, stderr: expect.stringContaining(says) });
});
