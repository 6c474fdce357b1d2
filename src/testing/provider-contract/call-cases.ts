/** The cases of the provider contract about calls of the user's tools. */

import type { ProviderCase } from "./case.ts";
import { providerCase, resultsHeard, same } from "./case.ts";

const INPUT = { text: 'é 漢 🦜 "q" \\', nested: { list: [1, 2.5, null, true, { deep: [] }], empty: {} } };

/** What every provider has to do with calls. */
export const callCases: readonly ProviderCase[] = [
  providerCase(
    "a call runs once with its input, and its result is heard once",
    [{ calls: [{ id: "k1", name: "double", input: { n: 4 } }] }, { text: "it is 8" }],
    async ({ host, ran, open }) => {
      const { text, turns } = await (await open()).send("double 4").result();
      same({ text, turns }, { text: "it is 8", turns: 2 }, "the result");
      same(ran, [{ name: "double", input: { n: 4 } }], "the calls that ran");
      same(resultsHeard(host), [["k1", "8"]], "the results the host heard");
    },
  ),
  providerCase(
    "calls of one turn all run, and each result goes to its call",
    [{ calls: [1, 2, 3].map((n) => ({ id: `k${n}`, name: "double", input: { n } })) }, { text: "done" }],
    async ({ host, ran, open }) => {
      same((await (await open()).send("go").result()).text, "done", "the reply");
      same(
        ran.map(({ input }) => JSON.stringify(input)).toSorted(),
        ['{"n":1}', '{"n":2}', '{"n":3}'],
        "the calls that ran",
      );
      same(
        resultsHeard(host),
        [
          ["k1", "2"],
          ["k2", "4"],
          ["k3", "6"],
        ],
        "the results the host heard",
      );
    },
  ),
  providerCase(
    "two calls with the same name and input are two calls",
    [{ calls: ["k1", "k2"].map((id) => ({ id, name: "double", input: { n: 5 } })) }, { text: "done" }],
    async ({ host, ran, open }) => {
      await (await open()).send("go").result();
      same(ran.length, 2, "how many calls ran");
      same(
        resultsHeard(host),
        [
          ["k1", "10"],
          ["k2", "10"],
        ],
        "the results the host heard",
      );
    },
  ),
  providerCase(
    "an input arrives as it was given",
    [
      { calls: [{ id: "k1", name: "echo", input: INPUT }] },
      { calls: [{ id: "k2", name: "echo", input: {} }] },
      { text: "done" },
    ],
    async ({ host, ran, open }) => {
      await (await open()).send("go").result();
      same(
        ran.map(({ input }) => input),
        [INPUT, {}],
        "the inputs",
      );
      same(
        resultsHeard(host),
        [
          ["k1", JSON.stringify(INPUT)],
          ["k2", "{}"],
        ],
        "the results the host heard",
      );
    },
  ),
  providerCase(
    "a tool that fails is heard as an error, and the run goes on",
    [{ calls: [{ id: "k1", name: "fail", input: {} }] }, { text: "sorry" }],
    async ({ host, open }) => {
      same((await (await open()).send("go").result()).text, "sorry", "the reply");
      same(
        host.heard.map((item) => item.what === "result" && item.isError),
        [false, true],
        "what was heard as an error",
      );
    },
  ),
  providerCase(
    "a call of a tool that does not exist is answered with an error, and the run goes on",
    [{ calls: [{ id: "k1", name: "nowhere", input: {} }] }, { text: "sorry" }],
    async ({ host, ran, open }) => {
      same((await (await open({ ifCallUnknown: "answer" })).send("go").result()).text, "sorry", "the reply");
      same(
        host.heard.map((item) => item.what === "result" && item.isError),
        [false, true],
        "what was heard as an error",
      );
      same(ran, [], "the calls that ran");
    },
  ),
  providerCase(
    "a later message of the session has calls of its own",
    [
      { calls: [{ id: "k1", name: "double", input: { n: 1 } }] },
      { text: "two" },
      { calls: [{ id: "k2", name: "double", input: { n: 2 } }] },
      { text: "four" },
    ],
    async ({ host, ran, open }) => {
      const session = await open();
      const first = await session.send("a").result();
      const second = await session.send("b").result();
      same([first.text, second.text, first.turns, second.turns], ["two", "four", 2, 2], "the results");
      same(
        second.toolCalls.map(({ input }) => input),
        [{ n: 2 }],
        "the calls of the second run",
      );
      same(ran.length, 2, "how many calls ran");
      same(
        resultsHeard(host),
        [
          ["k1", "2"],
          ["k2", "4"],
        ],
        "the results the host heard",
      );
    },
  ),
];
