// Workers and those who talk to their sessions, each a process of its own, over a database and the engines between processes.

import { fileURLToPath } from "node:url";

import { describe, expect, it, onTestFinished } from "vitest";

import { freePorts, restateServer, whyNoRestate } from "../engines/restate/server.ts";
import { ownPostgres, skipped, whyNoPostgres } from "../stores/postgres/server.ts";
import { balancer } from "../support/balancer.ts";
import { loophost, modelServer, start } from "./loophost.ts";

const SUPPORT = fileURLToPath(import.meta.resolve("./agents/support.ts"));

/** What commands find in the environment, and the flags of each worker. */
type Setting = () => Promise<{
  readonly env: Record<string, string>;
  readonly newWorker: () => Promise<readonly string[]>;
}>;

const postgres: Setting = async () => ({
  env: { LOOPHOST_ENGINE: "postgres" },
  newWorker: () => Promise.resolve([]),
});

const restate: Setting = async () => {
  const server = await restateServer();
  const workers = await balancer();
  onTestFinished(async () => {
    await workers[Symbol.asyncDispose]();
    await server[Symbol.asyncDispose]();
  });
  return {
    env: { LOOPHOST_ENGINE: "restate", LOOPHOST_RESTATE_INGRESS: server.ingress },
    async newWorker() {
      const [port = 0] = await freePorts(1);
      workers.add(port);
      const url = `http://127.0.0.1:${workers.port}`;
      return ["--restate-admin", server.admin, "--restate-listen", String(port), "--restate-url", url];
    },
  };
};

describe.skipIf(whyNoPostgres !== undefined)(`workers over a database${skipped}`, () => {
  it.skipIf(whyNoRestate !== undefined).each([
    ["postgres", postgres],
    ["restate", restate],
  ] as const)(
    "are woken by %s, replaced when killed, and followed with deltas",
    async (_, setUp) => {
      const database = await ownPostgres();
      onTestFinished(() => database.stop());
      const { env, newWorker } = await setUp();
      const words = "The money is on its way to you.";
      await using model = await modelServer(
        { tool: ["refund", {}] },
        { text: words, paceMs: 50 },
        { tool: ["wait", {}] },
      );
      const surroundings = { env: { ...env, ...model.env, LOOPHOST_STORE: database.url } };
      const cli = (...args: readonly string[]) => loophost(args, surroundings);
      const work = async () => {
        const worker = start(["worker", SUPPORT, ...(await newWorker())], surroundings);
        onTestFinished(() => void worker.child.kill("SIGKILL"));
        await worker.saw("Ctrl-C drains it.");
        return worker;
      };
      const [first, second] = [await work(), await work()];

      const sent = await cli(
        "sessions",
        "send",
        "s1",
        "refund {}",
        "--agent",
        "support",
        "--follow",
        "--json",
      );
      expect([sent.code, sent.stdout]).toEqual([6, expect.stringContaining("run.waiting")]);
      const { on } = JSON.parse(sent.stdout.trim().split("\n").at(-1) ?? "{}");
      const follower = start(["sessions", "follow", "s1", "--json", "--deltas"], surroundings);
      onTestFinished(() => void follower.child.kill("SIGKILL"));
      await follower.saw("run.waiting");
      first.child.kill("SIGKILL");
      expect((await cli("approve", "s1", on[0].id)).code).toBe(0);
      await follower.saw("run.ended");
      const events = follower.said.stdout
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line));
      const deltas = events.filter(({ type }) => type === "text.delta").map(({ text }) => text);
      // The last of them may be overtaken by the whole message.
      expect(deltas.length).toBeGreaterThan(0);
      expect(words.startsWith(deltas.join(""))).toBe(true);
      expect(events.filter(({ type }) => type === "message")).toHaveLength(1);
      await second.saw("s1 completed");

      await cli("sessions", "send", "s1", "Wait.");
      await second.saw("s1 runs");
      expect((await cli("interrupt", "s1")).stdout).toBe("s1 is asked to stop.\n");
      const stopped = await cli("sessions", "follow", "s1", "--until-idle");
      expect(stopped.stderr).toContain("ended: interrupted");
    },
    90_000,
  );
});
