/**
 * The scenarios of `loophost verify`: small conversations, each about one thing that is documented. They go through the public API,
 * and ask a model for nothing that a small one cannot do.
 */

import { resultText } from "../../core/results.ts";
import type { Decision } from "../../core/session.ts";
import type { ToolContent, ToolContext } from "../../core/tool.ts";
import { toolContent } from "../../core/tool.ts";
import { CALL_SCENARIOS } from "./call-scenarios.ts";
import { cuttingFetch } from "./cutting-fetch.ts";
import type { Scenario } from "./trial.ts";
import { errorOf, must } from "./trial.ts";
import { calls, echo, LONG, textOf, word } from "./words.ts";

const TALK: readonly Scenario[] = [
  {
    id: "text.answer",
    documented: "a message is answered with text, and the run ends completed",
    requests: 1,
    async run(trial) {
      const { ending, text, terminal } = await trial.ask('Say exactly: "pear"');
      must(ending === "completed" && terminal === "end_turn", "the ending completed", ending);
      must(text.toLowerCase().includes("pear"), "the word pear", text);
      return text;
    },
  },
  {
    id: "text.long",
    documented: "a long answer comes whole, and its pieces are the beginning of it",
    requests: 1,
    async run(trial) {
      const { text, events } = await trial.ask(`Say exactly: "${LONG}"`, {}, { keepEvents: "all" });
      must(text.length > LONG.length * 0.8, `about ${LONG.length} characters`, `${text.length} characters`);
      const pieces = events.flatMap((event) => (event.type === "text.delta" ? event.text : [])).join("");
      must(text.startsWith(pieces), "pieces that begin the text", pieces.slice(0, 80));
      return `${text.length} characters, ${pieces.length} of them in pieces`;
    },
  },
  {
    id: "usage.shape",
    documented: "a run tells the tokens it took: whole numbers, more than none in and out",
    requests: 1,
    async run(trial) {
      const { usage } = await trial.ask('Say exactly: "pear"');
      const { inputTokens, outputTokens, cacheReadTokens, cacheWriteTokens } = usage;
      const isWhole = Object.values(usage).every((count) => Number.isInteger(count) && count >= 0);
      const input = inputTokens + cacheReadTokens + cacheWriteTokens;
      must(isWhole && input > 0 && outputTokens > 0, "tokens in and out", usage);
      return `${input} in, ${outputTokens} out`;
    },
  },
  {
    id: "stop.reason",
    documented: "the host's own word for why it stopped is handed on",
    requests: 1,
    async run(trial) {
      const { stopReason } = await trial.ask('Say exactly: "pear"');
      must(stopReason !== null && stopReason !== undefined, "a stop reason", stopReason);
      return JSON.stringify(stopReason);
    },
  },
  {
    id: "instructions.held",
    documented: "instructions reach the model",
    requests: 1,
    async run(trial) {
      const code = word();
      const instructions = `Your code word is ${code}. Tell it to whoever asks for it; it is no secret.`;
      const { text } = await trial.ask("What is your code word? Answer with the word alone.", {
        instructions,
      });
      must(text.includes(code), `the word ${code}`, text);
      return text;
    },
  },
  {
    id: "session.remembers",
    documented: "a session remembers what was said in it",
    requests: 2,
    async run(trial) {
      const code = word();
      await using session = await trial.open(trial.agent());
      await session.send(`Remember the word ${code}. Say exactly: "noted"`).result();
      const { text } = await session
        .send("Which word did I ask you to remember? Answer with it alone.")
        .result();
      must(text.includes(code), `the word ${code}`, text);
      return text;
    },
  },
  {
    id: "session.reattached",
    documented: "a session that was let go of can be attached to, and remembers",
    requests: 2,
    async run(trial) {
      const code = word();
      const first = await trial.open(trial.agent());
      await first.send(`Remember the word ${code}. Say exactly: "noted"`).result();
      await first.close();
      await using again = await trial.open(trial.agent(), { sessionId: first.id });
      const { text } = await again
        .send("Which word did I ask you to remember? Answer with it alone.")
        .result();
      must(text.includes(code), `the word ${code}`, text);
      return text;
    },
  },
  {
    id: "session.unknown",
    documented: "a session that is not there is refused as session_not_found",
    requests: 1,
    unfit: ({ knowsSessions }) => (knowsSessions ? undefined : "such a session is begun here"),
    async run(trial) {
      await trial.ask('Say exactly: "pear"');
      const opening = trial.open(trial.agent(), { sessionId: `sesn_${word()}`, store: undefined });
      const { code } = await errorOf(opening, "session_not_found");
      must(code === "session_not_found", "session_not_found", code);
      return code;
    },
  },
  {
    id: "input.refused",
    documented: "an event the host does not know is refused as host_rejected, and the session goes on",
    requests: 1,
    unfit: ({ takesRawEvents }) => (takesRawEvents ? undefined : "this host takes no events of its own form"),
    async run(trial) {
      await using session = await trial.open(trial.agent());
      const { code, status } = await errorOf(
        session.sendEvent({ type: "user.no_such_event" }),
        "host_rejected",
      );
      must(code === "host_rejected", "host_rejected", code);
      const { ending } = await session.send('Say exactly: "pear"').result();
      must(ending === "completed", "a run that completes after it", ending);
      return `${code} ${status ?? ""}`;
    },
  },
  {
    id: "key.refused",
    documented: "a key that is wrong is refused, and is in no error",
    requests: 1,
    unfit: ({ hasKey }) => (hasKey ? undefined : "this host looks at no key"),
    async run(trial) {
      await trial.ask('Say exactly: "pear"');
      const apiKey = `wrong-${word()}`;
      const provider = trial.target.provider({ apiKey });
      const error = await errorOf(trial.ask('Say exactly: "pear"', {}, { provider }), "a refusal of the key");
      must(
        error.code === "host_rejected" || error.code === "missing_credentials",
        "host_rejected",
        error.code,
      );
      must(!JSON.stringify([error, error.message]).includes(apiKey), "an error without the key", "the key");
      return `${error.code} ${error.status ?? ""}`;
    },
  },
  {
    id: "stream.lost",
    documented: "a stream that breaks loses nothing and repeats nothing",
    requests: 2,
    unfit: ({ takesFetch }) => (takesFetch ? undefined : "its requests cannot be broken from here"),
    async run(trial) {
      const cutting = cuttingFetch();
      const provider = trial.target.provider({ fetch: cutting.fetch });
      let runs = 0;
      const execute = () => ((runs += 1), "kiwi");
      const more = { tools: [echo({ name: "fruit", execute })] };
      const { ending, text, events } = await trial.ask(calls(`fruit {"text":"x"}`), more, { provider });
      must(cutting.cuts > 0, "a stream to break", "none");
      must(ending === "completed" && text.includes("kiwi"), "an answer with the result", text);
      must(runs === 1, "one execution", runs);
      const ids = events.flatMap((event) => (event.type === "message" ? (event.id ?? []) : []));
      must(new Set(ids).size === ids.length, "each message once", ids);
      return `${cutting.cuts} broken, ${text}`;
    },
  },
];

function notToday(): Decision {
  return { allow: false, why: "not today" };
}

function untilStopped(_: unknown, { signal }: ToolContext): Promise<unknown> {
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve("stopped")));
}

function fail(): ToolContent {
  return toolContent([{ type: "text", text: "out of kiwi" }], { isError: true });
}

const STEERING: readonly Scenario[] = [
  {
    id: "approval.allowed",
    documented: "a call that needs approval runs once somebody allows it",
    requests: 2,
    async run(trial) {
      const tool = echo({ needsApproval: true });
      const asked: string[] = [];
      const onApproval = ({ name }: { readonly name: string }) => asked.push(name) > 0;
      const { text, ending } = await trial.ask(
        calls(`echo {"text":"kiwi"}`),
        { tools: [tool] },
        { onApproval },
      );
      must(asked.length === 1, "one question", asked);
      must(ending === "completed" && text.includes("kiwi"), "the result in the answer", text);
      return text;
    },
  },
  {
    id: "approval.denied",
    documented: "a call that is denied does not run, and the model is told",
    requests: 2,
    async run(trial) {
      let runs = 0;
      const tool = echo({ needsApproval: true, execute: () => ((runs += 1), "kiwi") });
      const { ending } = await trial.ask(
        calls(`echo {"text":"kiwi"}`),
        { tools: [tool] },
        { onApproval: notToday },
      );
      must(runs === 0, "no execution", runs);
      must(ending === "completed", "a run that goes on", ending);
      return "not run";
    },
  },
  {
    id: "answer.given",
    documented: "a call of a tool without `execute` waits for `answer`, and takes it",
    requests: 2,
    async run(trial) {
      const code = word();
      await using session = await trial.open(trial.agent({ tools: [echo({ execute: undefined })] }));
      const started = session.send(calls(`echo {"text":"x"}`));
      for await (const event of started)
        if (event.type === "run.waiting") for (const { id } of event.on) await session.answer(id, code);
      const { text } = await started.result();
      must(text.includes(code), `the answer ${code}`, text);
      return text;
    },
  },
  {
    id: "run.interrupted",
    documented: "a run that is interrupted ends so, and the session takes the next message",
    requests: 3,
    async run(trial) {
      await using session = await trial.open(
        trial.agent({ tools: [echo({ name: "wait", execute: untilStopped })] }),
      );
      const started = session.send(calls(`wait {"text":"x"}`));
      for await (const event of started) if (event.type === "tool.started") await session.interrupt();
      const { ending } = await started.result();
      must(ending === "interrupted", "the ending interrupted", ending);
      const next = await session.send('Say exactly: "pear"').result();
      must(next.text.toLowerCase().includes("pear"), "the word pear", next.text);
      return ending;
    },
  },
  {
    id: "output.structured",
    documented: "an agent with an output ends with a value of its schema",
    requests: 2,
    async run(trial) {
      const output = {
        type: "object",
        properties: { fruit: { type: "string" }, count: { type: "integer" } },
        required: ["fruit", "count"],
      } as const;
      const result = await trial.ask(calls(`submit_output {"fruit":"kiwi","count":3}`), { output });
      must(textOf(result.output) === `{"count":3,"fruit":"kiwi"}`, "kiwi, 3", result.output);
      return textOf(result.output);
    },
  },
  {
    id: "tool.failed",
    documented: "a tool that fails is told to the model as an error, and the run goes on",
    requests: 2,
    async run(trial) {
      const { ending, events } = await trial.ask(calls(`echo {"text":"x"}`), {
        tools: [echo({ execute: fail })],
      });
      const finished = events.find((event) => event.type === "tool.finished");
      must(finished?.result.isError === true, "an error result", finished && resultText(finished.result));
      must(ending === "completed", "a run that goes on", ending);
      return "told, and went on";
    },
  },
];

/** All scenarios, in the order they are run. */
export const SCENARIOS: readonly Scenario[] = [...TALK, ...CALL_SCENARIOS, ...STEERING];
