/** The cases of the provider contract about messages and the events of a run. */

import type { ProviderCase } from "./case.ts";
import { eventsOf, messagesHeard, providerCase, same } from "./case.ts";

const MANY_TURNS = 200;

/** What every provider has to do with messages. */
export const messageCases: readonly ProviderCase[] = [
  providerCase(
    "a message is heard once and gets its reply",
    [{ text: "hello back" }],
    async ({ host, open }) => {
      const session = await open();
      const { text, ending, terminal, turns } = await session.send("hello").result();
      same(
        { text, ending, terminal, turns },
        { text: "hello back", ending: "completed", terminal: "end_turn", turns: 1 },
        "the result",
      );
      same(messagesHeard(host), ["hello"], "what the host heard");
    },
  ),
  providerCase(
    "the messages of a session are heard in order, and each run gets its own reply",
    [{ text: "one" }, { text: "two" }, { text: "three" }],
    async ({ host, open }) => {
      const session = await open();
      const texts: string[] = [];
      for (const message of ["a", "b", "c"]) texts.push((await session.send(message).result()).text);
      same(texts, ["one", "two", "three"], "the replies");
      same(messagesHeard(host), ["a", "b", "c"], "what the host heard");
    },
  ),
  providerCase(
    "any text arrives as it is, both ways",
    [{ text: `é 漢 🦜 "quoted"\n${"x".repeat(50_000)}` }],
    async ({ host, open }) => {
      const long = `ñ 字 👩‍👩‍👧 \\ "q"\n${"y".repeat(50_000)}`;
      const { text } = await (await open()).send(long).result();
      same(text, `é 漢 🦜 "quoted"\n${"x".repeat(50_000)}`, "the reply");
      same(messagesHeard(host), [long], "what the host heard");
    },
  ),
  providerCase(
    "a run's events come whole, once, and in order",
    [{ text: "let me see", calls: [{ id: "k1", name: "double", input: { n: 1 } }] }, { text: "it is 2" }],
    async ({ open }) => {
      const run = (await open()).send("double 1");
      const events = await eventsOf(run);
      const types = events.map(({ type }) => type).filter((type) => TOLD.has(type));
      const wanted =
        "run.started turn.started message tool.called turn.ended turn.started message turn.ended run.ended";
      // Tools may run before the turn is over, so their own events stand apart.
      same(types.join(" "), wanted, "the order of events");
      const count = (type: string) => events.filter((event) => event.type === type).length;
      same(["tool.started", "tool.finished"].map(count), [1, 1], "how often the tool's events came");
    },
  ),
  providerCase(
    "a session has an id of its own, the same in session and result",
    [{ text: "x" }, { text: "y" }],
    async ({ open }) => {
      const [first, second] = [await open(), await open()];
      const { sessionId } = await first.send("hello").result();
      same(sessionId, first.id, "the id of the result");
      same(
        [first.id === "", first.id === second.id],
        [false, false],
        "whether the id is empty, or another session's",
      );
    },
  ),
  providerCase(
    `a run of ${MANY_TURNS} turns ends as one of two does`,
    [
      ...Array.from({ length: MANY_TURNS }, (_, n) => ({
        calls: [{ id: `k${n}`, name: "double", input: { n } }],
      })),
      { text: "done" },
    ],
    async ({ ran, open }) => {
      const session = await open({ keepEvents: "none" }, { limits: { maxTurns: MANY_TURNS + 1 } });
      const { text, turns, toolCalls } = await session.send("go").result();
      same(
        { text, turns, calls: toolCalls.length },
        { text: "done", turns: MANY_TURNS + 1, calls: MANY_TURNS },
        "the result",
      );
      same(
        ran.map(({ input }) => input),
        Array.from({ length: MANY_TURNS }, (_, n) => ({ n })),
        "the calls that ran",
      );
    },
  ),
];

const TOLD: ReadonlySet<string> = new Set([
  "run.started",
  "turn.started",
  "message",
  "tool.called",
  "turn.ended",
  "run.ended",
]);
