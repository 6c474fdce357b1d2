/** The scenarios about calls of tools: what reaches the tool, and what of its result reaches the model. */

import type { SessionResult } from "../../core/results.ts";
import type { Scenario, Trial } from "./trial.ts";
import { must } from "./trial.ts";
import { calls, echo, textOf, word } from "./words.ts";

/** One call with this input: what the tool was given, and the result of the run. */
async function callWith(trial: Trial, input: object): Promise<{ given: unknown; result: SessionResult }> {
  let given: unknown;
  const execute = (value: unknown) => {
    given = value;
    return "kiwi";
  };
  const result = await trial.ask(calls(`echo ${JSON.stringify(input)}`), { tools: [echo({ execute })] });
  return { given, result };
}

function mustBe(input: object, given: unknown): string {
  must(textOf(given) === textOf(input), `the input ${textOf(input)}`, given);
  return textOf(given);
}

/** The scenarios. */
export const CALL_SCENARIOS: readonly Scenario[] = [
  {
    id: "tool.one",
    documented: "a tool gets the model's input, and the model its result",
    requests: 2,
    async run(trial) {
      const code = word();
      const { text, toolCalls } = await trial.ask(calls(`echo {"text":"${code}"}`), { tools: [echo()] });
      must(toolCalls.length === 1, "one call", toolCalls);
      mustBe({ text: code }, toolCalls[0]?.input);
      must(text.includes(code), `the result ${code} in the answer`, text);
      return text;
    },
  },
  {
    id: "tool.parallel",
    documented: "calls of one turn all run, each with an id of its own, and each result is that call's",
    requests: 2,
    async run(trial) {
      const [one, two] = [word(), word()];
      const prompt = calls(`echo {"text":"${one}"}`, `echo {"text":"${two}"}`);
      const { text, toolCalls, events } = await trial.ask(prompt, { tools: [echo()] });
      const ids = toolCalls.map(({ id }) => id);
      must(ids.length === 2 && new Set(ids).size === 2, "two calls with ids of their own", toolCalls);
      must(text.includes(one) && text.includes(two), `${one} and ${two} in the answer`, text);
      for (const event of events)
        if (event.type === "tool.finished") {
          const { input } = toolCalls.find(({ id }) => id === event.id) ?? {};
          const said = textOf(event.result.content);
          must(said.includes(String(Object.values(input ?? {})[0])), "the result of its own call", said);
        }
      return `${ids.length} calls`;
    },
  },
  {
    id: "tool.unicode",
    documented: "what a model writes reaches the tool as it is: accents, other scripts, emoji, quotes",
    requests: 2,
    async run(trial) {
      const input = { text: 'é 漢字 🎉 "quoted" \\ back' };
      return mustBe(input, (await callWith(trial, input)).given);
    },
  },
  {
    id: "tool.nested",
    documented: "an input with objects, lists, numbers, yes, no and null reaches the tool as it is",
    requests: 2,
    async run(trial) {
      const input = { text: "x", deep: { list: [1, -2.5, true, false, null, { a: "b" }] } };
      return mustBe(input, (await callWith(trial, input)).given);
    },
  },
  {
    id: "tool.empty",
    documented: "a call without an input is one with an empty object",
    requests: 2,
    async run(trial) {
      let given: unknown;
      const execute = (value: unknown) => {
        given = value;
        return "kiwi";
      };
      const { text } = await trial.ask(calls("fruit {}"), {
        tools: [echo({ name: "fruit", execute, input: ANY })],
      });
      mustBe({}, given);
      must(text.includes("kiwi"), "the result in the answer", text);
      return text;
    },
  },
  {
    id: "tool.again",
    documented: "calls of later messages have ids of their own",
    requests: 4,
    async run(trial) {
      await using session = await trial.open(trial.agent({ tools: [echo()] }));
      const first = await session.send(calls(`echo {"text":"one"}`)).result();
      const second = await session.send(calls(`echo {"text":"two"}`)).result();
      const ids = [...first.toolCalls, ...second.toolCalls].map(({ id }) => id);
      must(ids.length === 2 && new Set(ids).size === 2, "two calls with ids of their own", ids);
      must(second.text.includes("two"), "the second result in the answer", second.text);
      return ids.join(" ");
    },
  },
];

const ANY = { type: "object" } as const;
