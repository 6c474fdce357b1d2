import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect, it, onTestFinished, vi } from "vitest";

import type { Exchange } from "../../../src/cli/verify/captures.ts";
import { notingFetch, writeCapture } from "../../../src/cli/verify/captures.ts";
import { leaksIn, redact } from "../../../src/cli/verify/redaction.ts";
import { targetOf } from "../../../src/cli/verify/targets.ts";
import { ROOT } from "../../support/source.ts";

const AT = new Date("2026-11-30T00:00:00Z");
const ACCOUNT = ["1234", "5678", "9012"].join("");
const ARN = `arn:aws:bedrock-agentcore:us-west-2:${ACCOUNT}:harness/h`;
const API_KEY = ["sk", "ant-api03-abcdefghijklmnop"].join("-");
const AWS_KEY = ["AKIA", "ABCDEFGHIJKLMNOP"].join("");

function folder(): string {
  const made = mkdtempSync(join(tmpdir(), "loophost-captures-"));
  onTestFinished(() => rmSync(made, { recursive: true, force: true }));
  return made;
}

it("takes secrets, account numbers and ids of accounts out, by exact keys whatever their case [A-245]", () => {
  const value = {
    Authorization: `Bearer ${API_KEY}`,
    apiKey: "anything",
    SecretAccessKey: "anything",
    modelId: "claude",
    maxTokens: 5,
    token: null,
    request_id: "req_123",
    note: `see ${ARN} and ${API_KEY} and ${AWS_KEY} and Bearer abc.def-ghi`,
    list: [{ "x-api-key": "k" }, `${ACCOUNT}3`],
  };
  expect(redact(value, ["hunter2-secret"])).toEqual({
    Authorization: "[secret]",
    apiKey: "[secret]",
    SecretAccessKey: "[secret]",
    modelId: "claude",
    maxTokens: 5,
    token: null,
    request_id: "[id]",
    note: "see arn:aws:bedrock-agentcore:us-west-2:000000000000:harness/h and [secret] and [secret] and Bearer [secret]",
    list: [{ "x-api-key": "[secret]" }, `${ACCOUNT}3`],
  });
  expect(redact("the hunter2-secret is out", ["hunter2-secret"])).toBe("the [secret] is out");
});

it.each([
  ["a bearer token", `{"h":"Bearer abcdef0123456789"}`],
  ["an AWS key id", AWS_KEY],
  ["an API key", API_KEY],
  ["an account number", ARN],
  ["a key of this machine", "xx hunter2-secret xx"],
])("the scan finds %s, and says no more than what it is [A-246]", (what, text) => {
  expect(leaksIn(text, ["hunter2-secret"])).toEqual([what]);
});

it("refuses to write what leaks after redaction, and writes nothing [A-246]", async () => {
  const to = join(folder(), "in");
  // Redaction knows no key that is in two strings; the scan reads the file.
  const lines = [JSON.stringify({ a: "hunter2", [`x"hunter2-secret`]: 1 })];
  await writeCapture(to, { name: "ok.jsonl", lines, at: AT, secrets: ["hunter2-secret"] });
  expect(readFileSync(join(to, "ok.jsonl"), "utf8")).not.toContain("hunter2-secret");
  const leaking = [JSON.stringify({ split: "hunter2" }), JSON.stringify({ note: "[secret" })];
  const secret = `"hunter2"}\n{"note`;
  await expect(
    writeCapture(to, { name: "no.jsonl", lines: leaking, at: AT, secrets: [secret] }),
  ).rejects.toThrow(/no\.jsonl still holds a key of this machine/);
  expect(existsSync(join(to, "no.jsonl"))).toBe(false);
});

it("keeps a manifest that later captures add to: when, by which rules, and the digest [A-247]", async () => {
  const to = folder();
  await writeCapture(to, { name: "a.jsonl", lines: ['{"a":1}'], at: AT, secrets: [] });
  await writeCapture(to, { name: "b.jsonl", lines: ['{"b":1}'], at: AT, secrets: [] });
  const { files } = JSON.parse(readFileSync(join(to, "manifest.json"), "utf8")) as {
    files: Record<string, object>;
  };
  const sha256 = createHash("sha256").update('{"a":1}\n').digest("hex");
  expect(Object.keys(files)).toEqual(["a.jsonl", "b.jsonl"]);
  expect(files["a.jsonl"]).toEqual({ capturedAt: AT.toISOString(), redaction: 1, sha256 });
  expect(statSync(join(to, "a.jsonl")).mode & 0o777).toBe(0o600);
});

it("captures a request body whole, though it is sent in pieces [A-248]", async () => {
  const seen: Exchange[] = [];
  const bodies: string[] = [];
  const inner: typeof fetch = async (input) => {
    bodies.push(await new Request(input).text());
    return new Response("{}");
  };
  const noted = notingFetch(inner, (exchange) => seen.push(exchange));
  const pieces = new ReadableStream({
    start(controller) {
      for (const piece of ['{"a":', '"é', '"}']) controller.enqueue(new TextEncoder().encode(piece));
      controller.close();
    },
  });
  await noted("http://host.test/v1/x?secret=1", {
    method: "POST",
    body: pieces,
    duplex: "half",
  });
  await noted("http://host.test/v1/y", { method: "POST", body: new TextEncoder().encode("bytes") });
  expect(seen).toEqual([
    { method: "POST", path: "/v1/x", body: '{"a":"é"}', status: 200 },
    { method: "POST", path: "/v1/y", body: "bytes", status: 200 },
  ]);
  expect(bodies).toEqual(['{"a":"é"}', "bytes"]);
});

it.each(["", "   "])(
  "a variable that is set to %o is none, and says which one is needed [A-253] [A-254]",
  async (value) => {
    vi.stubEnv("OPENAI_API_KEY", value);
    onTestFinished(() => void vi.unstubAllEnvs());
    await expect(targetOf("openai", { baseUrl: "https://host.test" })).rejects.toMatchObject({
      code: "missing_credentials",
      message: expect.stringContaining("OPENAI_API_KEY"),
    });
  },
);

it("no fixture of this repository leaks, whatever its extension [A-246]", () => {
  const folders = ["test/corpus", "test/golden", "test/recordings"].filter((name) =>
    existsSync(join(ROOT, name)),
  );
  const files = folders.flatMap((name) =>
    readdirSync(join(ROOT, name), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name)),
  );
  expect(files.length).toBeGreaterThan(10);
  expect(files.filter((file) => leaksIn(readFileSync(file, "utf8")).length > 0)).toEqual([]);
});
