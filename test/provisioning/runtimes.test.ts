// Environments: runtimes as a script and instructions, checked against injection; the host's own configuration as it was given.

import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { defineAgent, run } from "loophost";
import { claude } from "loophost/providers/claude";
import { local } from "loophost/providers/local";
import type { Runtime } from "loophost/provisioning";
import { bootstrapOf, ensureAgent, ensureEnvironment, provision, withRuntimes } from "loophost/provisioning";
import { embeddedHost } from "loophost/server";
import { describe, expect, it, onTestFinished } from "vitest";

import { fakeHost } from "./fake-host.ts";

const python: Runtime = { language: "python", version: "3.12" };
const node: Runtime = { language: "node", version: "22" };

describe("a runtime", () => {
  it.each<[string, object]>([
    ["a version with a newline", { ...node, version: "22\nrm -rf /" }],
    ["a version that ends in a newline", { ...node, version: "22\n" }],
    ["a version with a semicolon", { ...node, version: "22;id" }],
    ["a version with a substitution", { ...node, version: "$(id)" }],
    ["a version with backquotes", { ...node, version: "`id`" }],
    ["an empty version", { ...node, version: "" }],
    ["a version that looks like an option", { ...node, version: "--help" }],
    ["a version without end", { ...node, version: "1".repeat(65) }],
    ["no version", { language: "node" }],
    ["a language with a space", { ...node, language: "node x" }],
    ["a language with a quote", { ...node, language: "node'" }],
    ["a language that looks like an option", { ...node, language: "-g" }],
    ["a language of a plugin's address", { ...node, language: "asdf:evil/x" }],
    ["another installer", { ...node, installer: "curl" }],
    ["a field that does not exist", { ...node, lang: "node" }],
    ["a host with a path", { ...node, hosts: ["example.com/x"] }],
    ["a host that is a wildcard", { ...node, hosts: ["*"] }],
    ["nothing", null as never],
  ])("is refused with %s, by its place in the list [A-198] [A-168]", async (_, odd) => {
    const environment = { runtimes: [python, odd as Runtime] };
    const refusal = { code: "invalid_options", message: expect.stringContaining("runtimes[1]") };
    expect(() => bootstrapOf(environment)).toThrow(expect.objectContaining(refusal));
    await expect(ensureEnvironment(claude({ apiKey: "k" }), environment)).rejects.toMatchObject(refusal);
  });

  it("takes what versions are made of [A-198]", () => {
    for (const version of ["22", "3.12.4", "1.18.0-rc.1", "27.0+build", "latest"])
      expect(bootstrapOf({ runtimes: [{ language: "erlang", version }] }).script).toContain(
        `erlang@${version}\n`,
      );
  });
});

describe("the script", () => {
  it("is the same for the same list, strict, and installs each runtime [A-199]", () => {
    const { script } = bootstrapOf({ runtimes: [python, node] });
    expect(bootstrapOf({ runtimes: [{ ...python }, { ...node }] }).script).toBe(script);
    expect(script.split("\n").slice(0, 3)).toEqual([
      "#!/usr/bin/env bash",
      "set -euo pipefail",
      "export LANG=C.UTF-8 LC_ALL=C.UTF-8",
    ]);
    expect(script.match(/^mise use.*$/gm)).toEqual([
      "mise use --global --yes python@3.12",
      "mise use --global --yes node@22",
    ]);
  });

  it("has Erlang before Elixir, which names it [A-200]", () => {
    const runtimes = [
      node,
      { language: "elixir", version: "1.18" },
      { language: "erlang", version: "27.1" },
      python,
    ];
    expect(bootstrapOf({ runtimes }).script.match(/\S+@\S+$/gm)).toEqual([
      "erlang@27.1",
      "elixir@1.18-otp-27",
      "node@22",
      "python@3.12",
    ]);
    expect(bootstrapOf({ runtimes: [{ language: "elixir", version: "1.18" }] }).script).toContain(
      "elixir@1.18\n",
    );
  });

  it("runs in bash, twice, and writes the profile once [A-199]", () => {
    const home = mkdtempSync(join(tmpdir(), "loophost-bootstrap-"));
    onTestFinished(() => rmSync(home, { recursive: true }));
    // A mise that notes what it is asked for; nothing is downloaded.
    mkdirSync(join(home, "bin"));
    const log = join(home, "asked");
    writeFileSync(join(home, "bin", "mise"), `#!/bin/sh\necho "$@" >> ${log}\n`, { mode: 0o755 });
    const { script } = bootstrapOf({ runtimes: [python, node] });
    const env = { HOME: home, PATH: `${join(home, "bin")}:/usr/bin:/bin` };
    for (let time = 0; time < 2; time += 1) execFileSync("bash", ["-c", script], { env });
    const once = ["use --global --yes python@3.12", "use --global --yes node@22", "install --yes"];
    expect(readFileSync(log, "utf8").trim().split("\n")).toEqual([...once, ...once]);
    expect(existsSync(join(home, ".bashrc"))).toBe(true);
    expect(readFileSync(join(home, ".bashrc"), "utf8").match(/# loophost runtimes/g)).toHaveLength(1);
  });
});

describe("an agent for an environment", () => {
  it("is told to run the whole script once, before first use [A-201]", () => {
    const agent = defineAgent({ name: "a", instructions: "Help." });
    const environment = { runtimes: [python] };
    const { script } = bootstrapOf(environment);
    const { instructions } = withRuntimes(agent, environment);
    expect(instructions.startsWith("Help.\n\n# Runtimes")).toBe(true);
    expect(instructions).toContain("python@3.12");
    expect(instructions).toMatch(/not installed yet.*exactly once, with bash/s);
    expect(instructions).toContain(script);
    expect(withRuntimes(agent, {})).toBe(agent);
    const told = withRuntimes(agent, environment);
    expect(withRuntimes(told, environment)).toBe(told);
    expect(bootstrapOf({})).toEqual({ script: "", instructions: "", hosts: [] });
  });

  it.each([undefined, null, "agent", {}, { instructions: "Help." }])("is no %j", (odd) => {
    expect(() => withRuntimes(odd as never, { runtimes: [python] })).toThrow(
      expect.objectContaining({
        code: "invalid_agent",
        message: "withRuntimes() needs an agent that was made by defineAgent().",
      }),
    );
  });
});

describe("an agent that is provisioned with runtimes", () => {
  const agent = defineAgent({ name: "a", instructions: "Help.", model: "m" });
  const environment = { runtimes: [python] };
  const told = withRuntimes(agent, environment);

  it("is told to install them, by whatever call it is made, and once", async () => {
    const { provider, asked } = fakeHost();
    const handle = await provision(provider, agent, { environment });
    await ensureAgent(provider, agent, { environment });
    for (const request of asked)
      expect(request.agent?.instructions ?? told.instructions).toBe(told.instructions);
    expect(asked.map(({ kind }) => kind)).toEqual(["agent", "environment", "agent"]);
    expect(await provision(provider, told, { environment })).toEqual(handle);
    expect(await provision(provider, agent)).not.toEqual(handle);
  });

  it("has them at the host when it is run from its handle, by its plain definition", async () => {
    const asked: string[] = [];
    await using host = embeddedHost({
      model: ({ instructions }) => {
        asked.push(instructions);
        return "hi";
      },
    });
    const fetch: typeof globalThis.fetch = async (input, init) => host.fetch(new Request(input, init));
    const provider = claude({ baseUrl: "http://127.0.0.1", fetch });
    const provisioned = await provision(provider, agent, { environment });
    await run(agent, { provider, provisioned, prompt: "hi" });
    expect(asked).toEqual([told.instructions]);
  });

  it("cannot be one that is there already, whose instructions nobody would add to", async () => {
    const { provider, asked } = fakeHost({ kinds: ["environment"] });
    for (const call of [provision, ensureAgent])
      await expect(call(provider, agent, { environment })).rejects.toMatchObject({
        code: "invalid_options",
        message: expect.stringContaining("bootstrapOf()"),
      });
    expect(asked).toEqual([]);
    await provision(provider, agent, { environment: { runtimes: [] } });
    await provision(local({ model: () => "hi" }), agent, { environment });
  });
});

describe("the host's own description of an environment", () => {
  /** Environments as they were posted, byte for byte. */
  async function posted(call: (provider: ReturnType<typeof claude>) => Promise<unknown>): Promise<string> {
    await using host = embeddedHost({ model: () => "hi" });
    const bodies: string[] = [];
    const fetch: typeof globalThis.fetch = async (input, init) => {
      const request = new Request(input, init);
      if (request.method === "POST" && request.url.endsWith("/environments"))
        bodies.push(await request.clone().text());
      return host.fetch(request);
    };
    await call(claude({ baseUrl: "http://127.0.0.1", fetch }));
    return bodies.join("\n");
  }
  const agent = defineAgent({ name: "a", instructions: "", model: "m" });

  it("goes there byte for byte, whatever is in it [A-174]", async () => {
    const config = JSON.parse(
      '{"type":"cloud","z":1,"a":{"é\\u2028":[null,1e3,-0.5,"\\ud83d\\ude00\\\\"]},"networking":{"type":"unrestricted"},"2":{},"1":[]}',
    );
    for (const call of [
      (provider: ReturnType<typeof claude>) => provision(provider, agent, { environment: { config } }),
      (provider: ReturnType<typeof claude>) => ensureEnvironment(provider, { config, runtimes: [python] }),
    ])
      expect(await posted(call)).toContain(`"config":${JSON.stringify(config)}}`);
  });

  it("has the hosts of its runtimes added when its network is limited, and only then [A-197]", async () => {
    const limited = {
      type: "cloud",
      networking: { type: "limited", allowed_hosts: ["own.example", "github.com"] },
    };
    const { hosts } = bootstrapOf({ runtimes: [node] });
    const body = await posted((provider) =>
      ensureEnvironment(provider, { config: limited, runtimes: [node] }),
    );
    const { config } = JSON.parse(body);
    const added = hosts.filter((host) => host !== "github.com");
    expect(config.networking.allowed_hosts).toEqual(["own.example", "github.com", ...added]);
    const bare = await posted((provider) => ensureEnvironment(provider, { config: limited }));
    expect(JSON.parse(bare).config).toEqual(limited);
  });

  it("needs hosts that are sorted, each once, and the user's own [A-202]", () => {
    const own = { language: "haskell", version: "9", hosts: ["downloads.haskell.org", "github.com"] };
    const { hosts } = bootstrapOf({ runtimes: [node, own] });
    expect(hosts).toEqual([...new Set(hosts)].toSorted());
    expect(hosts).toEqual(expect.arrayContaining(["mise.run", "nodejs.org", "downloads.haskell.org"]));
    expect(bootstrapOf({}).hosts).toEqual([]);
  });

  it("is another environment with another version, and never an update [A-203] [A-169] [A-193]", async () => {
    await using host = embeddedHost({ model: () => "hi" });
    const fetch: typeof globalThis.fetch = async (input, init) => host.fetch(new Request(input, init));
    const provider = claude({ baseUrl: "http://127.0.0.1", fetch });
    const of = async (environment: object) => (await ensureEnvironment(provider, environment)).digest;
    const digests = [
      await of({}),
      await of({ runtimes: [node] }),
      await of({ runtimes: [{ ...node, version: "24" }] }),
      await of({ runtimes: [node], config: { type: "cloud" } }),
    ];
    expect(new Set(digests).size).toBe(4);
    expect(await of({ name: "lab", runtimes: [node] })).toBe(digests[1]);
    expect(await of({ runtimes: [{ ...node, installer: "mise" }] })).toBe(digests[1]);
  });
});
