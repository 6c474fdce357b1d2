// A run that is stopped at any point of its way to the host, and the message after it, on servers that tell differently what
// they took: what ends is the run that was stopped, and the next one is answered.

import type { LoophostError } from "loophost";
import { defineAgent, openSession } from "loophost";
import { claude } from "loophost/providers/claude";
import { expect, it } from "vitest";

import { startOtherServer } from "./other-server.ts";

const agent = defineAgent({ name: "a", instructions: "", model: "m", limits: { runTimeoutMs: 4_000 } });

const SERVERS = [
  ["shows it on the stream", {}],
  ["shows it in the list alone", { marks: "in the list" }],
  ["never shows it", { marks: "nowhere" }],
  ["answers posts with nothing", { postReply: "202 empty" }],
  ["answers posts with nothing and never shows it", { postReply: "202 empty", marks: "nowhere" }],
  ["says interrupted", { saysInterrupted: true }],
] as const;
const STOPS = ["abort", "interrupt"] as const;
/** Where the stop comes: before the request has left, before it arrives, before its reply is back, after it. */
const POINTS = ["at once", "as it is sent", "as it is answered", "as the turn runs"] as const;
const WORDS = ["wait", "hello"] as const;

const ORDERS = SERVERS.flatMap(([how, server]) =>
  STOPS.flatMap((stop) =>
    POINTS.flatMap((point) => WORDS.map((words) => ({ how, server, stop, point, words }))),
  ),
);

it.concurrent.each(ORDERS)(
  '$stop of "$words" $point, on a server that $how: the next message is answered',
  async ({ server: how, stop, point, words }) => {
    await using server = await startOtherServer(how);
    const reached = new Map<string, () => void>();
    const at = (name: string) => {
      const found = reached.get(name);
      reached.delete(name);
      found?.();
    };
    const through: typeof fetch = async (input, init) => {
      const isPost = String(init?.method).toUpperCase() === "POST" && String(input).includes("/events");
      if (isPost) at("as it is sent");
      if (isPost) await new Promise((resolve) => setTimeout(resolve, 5));
      const reply = await fetch(input, init);
      if (isPost) at("as it is answered");
      return reply;
    };
    const provider = claude({
      baseUrl: server.url,
      apiKey: "key",
      fetch: through,
      retry: { firstDelayMs: 1 },
    });
    const session = await openSession(agent, { provider });
    const stopping = new AbortController();
    let stopped: Promise<void> | undefined;
    const doStop = () => {
      if (stop === "abort") stopping.abort();
      else stopped = session.interrupt();
    };
    reached.set(point, doStop);
    const run = session.send(words, { signal: stopping.signal });
    if (point === "at once") at(point);
    const ended = (async () => {
      for await (const event of run) if (event.type === "turn.started") at("as the turn runs");
      return (await run.result()).ending;
    })().catch(({ code }: LoophostError) => code);
    // A run that was over before its stop came has nothing to be stopped.
    expect(["aborted", "interrupted", "completed"], "the run that was stopped").toContain(await ended);
    const next = await session.send("next").result();
    expect([next.text, next.ending], "the message after it").toEqual(["You said next.", "completed"]);
    expect(server.heard.filter((heard) => heard === "next")).toEqual(["next"]);
    await stopped;
    await session.close();
  },
);
