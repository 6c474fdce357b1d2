/** The cases of the provider contract about attaching again, and about a wire that fails. */

import { defineTool } from "../../core/tool.ts";
import type { ProviderCase } from "./case.ts";
import { eventsOf, messagesHeard, providerCase, resultsHeard, same } from "./case.ts";

const ONE_CALL = [{ calls: [{ id: "k1", name: "double", input: { n: 3 } }] }, { text: "six" }];

/** What every provider has to do when it is attached to a session that has a past. */
export const attachCases: readonly ProviderCase[] = [
  providerCase(
    "attached to by its id, a session goes on, and nothing of its past runs or is told again",
    [...ONE_CALL, { text: "still here" }],
    async ({ host, ran, open }) => {
      const before = await open();
      await before.send("double 3").result();
      await before.close();
      const after = await open({ sessionId: before.id });
      const run = after.send("and now?");
      const events = await eventsOf(run);
      const { text, turns, toolCalls } = await run.result();
      same({ text, turns, toolCalls }, { text: "still here", turns: 1, toolCalls: [] }, "the result");
      same(events.filter(({ type }) => type === "message").length, 1, "how many messages were told");
      same(messagesHeard(host), ["double 3", "and now?"], "what the host heard");
      same(ran.length, 1, "how many calls ran");
    },
  ),
  providerCase(
    "a call that waits for an approval when the session is closed runs once it is attached to and approved",
    [{ calls: [{ id: "k1", name: "pay", input: {} }] }, { text: "paid" }],
    async ({ host, open }) => {
      let paid = 0;
      const pay = defineTool({
        name: "pay",
        description: "Pays.",
        input: { type: "object" },
        needsApproval: true,
        execute: () => String((paid += 1)),
      });
      const before = await open({}, { tools: [pay] });
      const parked = await before.send("pay", { ifWaiting: "return" }).result();
      same([parked.terminal, paid], ["requires_action", 0], "how the first run ended, and what was paid");
      await before.close();
      const after = await open({ sessionId: before.id, onApproval: () => true }, { tools: [pay] });
      same((await after.resume().result()).text, "paid", "the reply");
      same([paid, resultsHeard(host).length], [1, 1], "how often it was paid, and heard to be");
    },
  ),
];

/** What every provider has to do when its wire fails. */
export const faultCases: readonly ProviderCase[] = [
  providerCase(
    "a message whose reply was lost is heard once",
    [{ text: "hello back" }],
    async ({ host, open }) => {
      const session = await open();
      host.faults?.loseReply?.("message");
      same((await session.send("hello").result()).text, "hello back", "the reply");
      same(messagesHeard(host), ["hello"], "what the host heard");
    },
    "loseReply",
  ),
  providerCase(
    "a result whose reply was lost is heard once, and its tool runs once",
    ONE_CALL,
    async ({ host, ran, open }) => {
      const session = await open();
      host.faults?.loseReply?.("result");
      same((await session.send("double 3").result()).text, "six", "the reply");
      same([ran.length, resultsHeard(host)], [1, [["k1", "6"]]], "what ran, and what the host heard");
    },
    "loseReply",
  ),
  providerCase(
    "a result that was refused for a moment is sent again, and its tool runs once",
    ONE_CALL,
    async ({ host, ran, open }) => {
      const session = await open();
      host.faults?.refuseOnce?.("result");
      same((await session.send("double 3").result()).text, "six", "the reply");
      same([ran.length, resultsHeard(host)], [1, [["k1", "6"]]], "what ran, and what the host heard");
    },
    "refuseOnce",
  ),
  providerCase(
    "a stream that breaks while a tool runs costs nothing and repeats nothing",
    [{ calls: [{ id: "k1", name: "cut", input: {} }] }, { text: "six" }],
    async ({ host, open }) => {
      let runs = 0;
      const cut = defineTool({
        name: "cut",
        description: "Breaks every stream.",
        input: { type: "object" },
        execute() {
          runs += 1;
          host.faults?.cut?.();
          return "cut";
        },
      });
      const run = (await open({}, { tools: [cut] })).send("go");
      const events = await eventsOf(run);
      same([(await run.result()).text, runs], ["six", 1], "the reply, and how often the tool ran");
      const count = (type: string) => events.filter((event) => event.type === type).length;
      same(["message", "tool.called", "run.ended"].map(count), [1, 1, 1], "how often each event came");
    },
    "cut",
  ),
];
