// provision, teardown, agents and artifacts as commands, against a host on loopback.

import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, request } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { defineAgent, openSession } from "loophost";
import { claude, createClient } from "loophost/providers/claude";
import { embeddedHost } from "loophost/server";
import { expect, it, onTestFinished } from "vitest";

import { loophost } from "./loophost.ts";

const REFUSAL = JSON.stringify({
  type: "error",
  error: { type: "permission_error", message: "no lists for you" },
});
const AGENT = fileURLToPath(import.meta.resolve("./agents/support.ts"));

async function setUp() {
  const host = embeddedHost({ model: () => "hi" });
  const { url } = await host.listen();
  const folder = mkdtempSync(join(tmpdir(), "loophost-cli-"));
  onTestFinished(async () => {
    await host.close();
    rmSync(folder, { recursive: true, force: true });
  });
  const store = join(folder, "provisions.json");
  const cli = (...args: string[]) => loophost([...args, "--base-url", url, "--store", store]);
  return { url, folder, store, cli };
}

it("provisions an agent, tags it, prunes what is old and releases the rest", async () => {
  const { url, folder, cli } = await setUp();
  const made = await cli("provision", AGENT, "--json");
  expect([made.code, made.stderr]).toEqual([0, expect.stringContaining(": making (0 s)")]);
  const handle = JSON.parse(made.stdout);
  expect(handle).toMatchObject({ provider: "claude", agentId: expect.stringMatching(/^agent_/) });
  const table = await cli("provision", AGENT);
  expect(table.stdout).toMatch(new RegExp(`^field +value\\n(.*\\n)*agentId +${handle.agentId}\\n`));
  const name = handle.name.slice(0, -9);
  const file = join(folder, "handle.json");
  writeFileSync(file, made.stdout);

  const tagged = await cli("agents", "tag", `${name}:prod`, handle.name.slice(-8));
  expect(tagged).toMatchObject({ code: 0, stdout: `${name}:prod is ${handle.name}.\n` });
  expect(JSON.parse((await cli("agents", "resolve", `${name}:prod`)).stdout)).toEqual(handle);
  expect((await cli("agents", "list", name)).stdout).toMatch(
    /^version .*\n.*_[0-9a-f]{8}  .*  prod  +agent_/,
  );
  await createClient({ baseUrl: url }).agents.create({ name: `${name}_01234567`, model: "m" });
  await cli("agents", "untag", `${name}:prod`);
  const dry = await cli("agents", "prune", name, "--keep", "1", "--dry-run");
  expect(dry).toMatchObject({
    code: 0,
    stdout: expect.stringContaining(handle.name),
    stderr: "1 would go, 1 stay.\n",
  });
  for (const [args, says] of [
    [["prune", name], "Say how many of the newest stay: --keep <n>"],
    [["prune", name, "--keep", "0"], "--keep must say how many of the newest stay"],
    [["list"], 'It is "agents list <name>"'],
    [["tag", name], 'It is "agents tag <name:tag> <version>"'],
    [["tag", `${name}:prod`, "0f3a9c2"], "0f3a9c2 is neither eight and more digits of a digest nor a file"],
  ] as const)
    expect(await cli("agents", ...args)).toMatchObject({ code: 2, stderr: expect.stringContaining(says) });

  const answered = await loophost(["run", AGENT, "hello", "--provisioned", file, "--base-url", url]);
  expect(answered).toMatchObject({ code: 0, stdout: expect.stringContaining("hi") });
  const { data } = JSON.parse(await (await fetch(`${url}/v1/sessions`)).text());
  expect(data).toMatchObject([{ agent: { id: handle.agentId }, environment_id: handle.environmentId }]);
  expect(await cli("run", AGENT, "hello", "--provisioned", file, "--session", "s")).toMatchObject({
    code: 2,
  });

  const wouldBe = await cli("teardown", file, "--dry-run");
  expect(wouldBe.stdout).toBe(`Would release ${handle.agentId}, ${handle.environmentId}.\n`);
  expect((await cli("teardown", file)).stdout).toBe(`Released ${handle.agentId}, ${handle.environmentId}.\n`);
  const twice = await cli("teardown", file);
  expect(twice.stdout).toBe(`Gone already: ${handle.agentId}, ${handle.environmentId}.\n`);
  const { archived_at: at } = await createClient({ baseUrl: url }).agents.get(handle.agentId);
  expect(at).not.toBeNull();
  expect(await cli("teardown", file, "--json")).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('"released":[],"gone":["agent_'),
  });
  const gone = await cli("agents", "resolve", `${name}:prod`);
  expect([gone.code, gone.stdout]).toEqual([5, ""]);
}, 120_000);

it("releases also with a key that may not list", async () => {
  const { url, folder } = await setUp();
  const listless = createServer((asked, response) => {
    const { method, url: path, headers } = asked;
    if (method === "GET" && /^\/v1\/(agents|environments)(\?|$)/.test(path ?? ""))
      return response.writeHead(403, { "content-type": "application/json" }).end(REFUSAL);
    const { port } = new URL(url);
    const passed = request({ host: "127.0.0.1", port, path, method, headers }, (answer) =>
      answer.pipe(response.writeHead(answer.statusCode ?? 500, answer.headers)),
    );
    return asked.pipe(passed);
  }).listen(0, "127.0.0.1");
  onTestFinished(() => listless.closeAllConnections());
  onTestFinished(() => void listless.close());
  await once(listless, "listening");
  const made = await loophost(["provision", AGENT, "--json", "--base-url", url]);
  const handle = JSON.parse(made.stdout);
  const file = join(folder, "handle.json");
  writeFileSync(file, made.stdout);
  const { port } = listless.address() as AddressInfo;

  const args = ["teardown", file, "--base-url", `http://127.0.0.1:${port}`];
  expect((await loophost([...args, "--dry-run"])).stderr).toContain("no lists for you");
  expect((await loophost(args)).stdout).toBe(`Released ${handle.agentId}, ${handle.environmentId}.\n`);
  const { archived_at: at } = await createClient({ baseUrl: url }).agents.get(handle.agentId);
  expect(at).not.toBeNull();
}, 60_000);

it("lists, puts, fetches and deletes the files of a session", async () => {
  const { url, folder, cli } = await setUp();
  const session = await openSession(defineAgent({ name: "a", instructions: "", model: "m" }), {
    provider: claude({ baseUrl: url }),
  });
  await session.close();
  const file = join(folder, "orders.csv");
  writeFileSync(file, "id\n1\n");
  const of = (...args: string[]) => cli("artifacts", ...args, "--session", session.id);
  expect(await of("put", file)).toMatchObject({ code: 0, stderr: "orders.csv is there: 5 bytes.\n" });
  expect((await of("list")).stdout).toMatch(/^name +bytes +made +id\norders\.csv  5 /);
  expect(JSON.parse((await of("list", "--json")).stdout)).toMatchObject([{ name: "orders.csv", size: 5 }]);
  expect(await of("get", "orders.csv", "-")).toMatchObject({ code: 0, stdout: "id\n1\n" });
  const copy = join(folder, "copy.csv");
  expect(await of("get", "orders.csv", copy)).toMatchObject({ code: 0 });
  expect(readFileSync(copy, "utf8")).toBe("id\n1\n");
  const json = await of("get", "orders.csv", join(folder, "again.csv"), "--json");
  expect(JSON.parse(json.stdout)).toMatchObject({
    name: "orders.csv",
    size: 5,
    file: join(folder, "again.csv"),
  });
  expect(JSON.parse((await of("put", file, "b.csv", "--json")).stdout)).toMatchObject({ name: "b.csv" });
  expect(JSON.parse((await of("rm", "b.csv", "--json")).stdout)).toMatchObject({
    deleted: { name: "b.csv" },
    dryRun: false,
  });
  const mistyped = await cli("artifacts", "list", "--session", "sesn_mistyped");
  expect(mistyped).toMatchObject({ code: 8, stdout: "", stderr: expect.stringContaining("sesn_mistyped") });
  expect(await of("put", join(folder, "nowhere.csv"))).toMatchObject({
    code: 2,
    stderr: expect.stringContaining("ENOENT"),
  });
  expect((await of("rm", "orders.csv", "--dry-run")).stdout).toMatch(/^Would delete orders\.csv \(file_/);
  expect(await of("rm", "orders.csv")).toMatchObject({ code: 0, stdout: "Deleted orders.csv.\n" });
  expect(await of("get", "orders.csv")).toMatchObject({ code: 5, stdout: "" });
  expect(await of("get", "package.json")).toMatchObject({
    code: 2,
    stderr: expect.stringContaining("There is a file package.json here"),
  });
  expect(await of("get", "../up")).toMatchObject({ code: 2, stdout: "" });
  const below = join(folder, "no-folder", "b.csv");
  await of("put", file);
  expect(await of("get", "orders.csv", below)).toMatchObject({
    code: 2,
    stderr: expect.stringContaining(`${below} could not be written: ENOENT`),
  });
}, 120_000);
