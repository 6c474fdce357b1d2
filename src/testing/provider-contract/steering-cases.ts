/** The cases of the provider contract about stopping: interrupts, aborts, closing. */

import { defineTool } from "../../core/tool.ts";
import type { ProviderCase } from "./case.ts";
import { failsWith, messagesHeard, providerCase, same } from "./case.ts";

/** What every provider has to do when it is stopped. */
export const steeringCases: readonly ProviderCase[] = [
  providerCase(
    "an interrupt while the model replies ends the run, and the next message gets its own reply",
    ({ released }) => [{ text: "too late", after: released }, { text: "here" }],
    async ({ host, open }) => {
      const session = await open();
      const run = session.send("first");
      await until(() => messagesHeard(host).length === 1);
      await session.interrupt();
      same((await run.result()).ending, "interrupted", "the ending");
      same((await session.send("second").result()).text, "here", "the reply to the next message");
    },
  ),
  providerCase(
    "an interrupt while a tool runs aborts the tool and ends the run, and the next message gets its own reply",
    [{ calls: [{ id: "k1", name: "wait", input: {} }] }, { text: "here" }],
    async ({ open }) => {
      const waiting = waitingTool();
      const session = await open({}, { tools: [waiting.tool] });
      const run = session.send("first");
      await waiting.started;
      await session.interrupt();
      same((await run.result()).ending, "interrupted", "the ending");
      same(waiting.isAborted(), true, "whether the tool was told to stop");
      same((await session.send("second").result()).text, "here", "the reply to the next message");
    },
  ),
  providerCase(
    "an interrupt with nothing open does nothing",
    [{ text: "one" }, { text: "two" }],
    async ({ open }) => {
      const session = await open();
      await session.interrupt();
      same((await session.send("a").result()).text, "one", "the reply after an interrupt before");
      await session.interrupt();
      same((await session.send("b").result()).text, "two", "the reply after an interrupt between");
    },
  ),
  providerCase(
    "a run whose signal aborts fails with aborted, and the next message gets its own reply",
    ({ released }) => [{ text: "too late", after: released }, { text: "here" }],
    async ({ host, open }) => {
      const session = await open();
      const stop = new AbortController();
      const run = session.send("first", { signal: stop.signal });
      await until(() => messagesHeard(host).length === 1);
      stop.abort();
      await failsWith(run.result(), "aborted");
      same((await session.send("second").result()).text, "here", "the reply to the next message");
    },
  ),
  providerCase(
    "a session can be closed twice, and takes nothing afterwards",
    [{ text: "x" }],
    async ({ open }) => {
      const session = await open();
      await session.send("hello").result();
      await session.close();
      await session.close();
      await failsWith(
        Promise.resolve().then(() => session.send("late").result()),
        "session_closed",
      );
    },
  ),
  providerCase(
    "closing while the model replies fails the run with session_closed",
    ({ released }) => [{ text: "too late", after: released }],
    async ({ host, open }) => {
      const session = await open();
      const run = session.send("first");
      await until(() => messagesHeard(host).length === 1);
      await session.close();
      await failsWith(run.result(), "session_closed");
    },
  ),
];

/** A tool that runs until it is told to stop. */
function waitingTool() {
  const { promise: started, resolve: begin } = Promise.withResolvers<void>();
  let aborted = false;
  const tool = defineTool({
    name: "wait",
    description: "Waits until it is stopped.",
    input: { type: "object" },
    execute: (_, { signal }) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener("abort", () => {
          aborted = true;
          reject(new Error("stopped"));
        });
        begin();
      }),
  });
  return { tool, started, isAborted: () => aborted };
}

/** Waits for something to have happened at the host, which is reached over a wire. */
async function until(isSo: () => boolean): Promise<void> {
  for (let tries = 0; !isSo(); tries += 1) {
    if (tries > 2_000) throw new Error("the host heard nothing within 10 s");
    await new Promise<void>((resolve) => setTimeout(resolve, 5));
  }
}
