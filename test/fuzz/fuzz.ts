// Runs an agent on replies made by seed, and holds every run to what may never happen.

import * as fc from "fast-check";
import { defineAgent, defineTool, LoophostError, run } from "loophost";
import { anthropicMessages, local, openAICompatible } from "loophost/providers/local";

import type { Reply } from "./replies.ts";
import { reply } from "./replies.ts";
import { strangeReply } from "./strange.ts";

/** How the runs ended, by wire and ending or error code. */
export type Endings = Map<string, number>;

/**
 * Runs so many replies of a seed.
 *
 * @throws the first reply for which a tool ran with input that was not sent, or out of a reply that was not whole, for which a
 *   run hung, or failed with anything but a typed error
 */
export async function fuzz({ seed, replies }: { seed: number; replies: number }): Promise<Endings> {
  const endings: Endings = new Map();
  const stray: unknown[] = [];
  const note = (thrown: unknown) => void stray.push(thrown);
  process.on("unhandledRejection", note);
  try {
    await fc.assert(
      fc.asyncProperty(
        fc.oneof({ weight: 1, arbitrary: reply }, { weight: 1, arbitrary: strangeReply }),
        async (one) => {
          const ending = await play(one);
          endings.set(`${one.wire}: ${ending}`, (endings.get(`${one.wire}: ${ending}`) ?? 0) + 1);
        },
      ),
      { seed, numRuns: replies },
    );
  } finally {
    process.off("unhandledRejection", note);
  }
  if (stray.length > 0) throw new Error(`${stray.length} rejections nobody handled`, { cause: stray[0] });
  return endings;
}

async function play(one: Reply): Promise<string> {
  const ran: string[] = [];
  const tool = defineTool({
    name: "tool",
    description: "Keeps what it is given.",
    input: { type: "object" },
    execute(input) {
      ran.push(JSON.stringify(input));
      return "ok";
    },
  });
  const agent = defineAgent({
    name: "a",
    instructions: "",
    model: "m",
    tools: [tool],
    limits: { runTimeoutMs: 5_000, maxTurns: 3 },
  });
  let asked = 0;
  const fetch = async () => {
    asked += 1;
    const { body, type } = asked === 1 ? one : LAST[one.wire];
    return new Response(body, { headers: { "content-type": type } });
  };
  const options = { fetch, apiKey: "sk-test", baseUrl: "http://127.0.0.1", retry: { attempts: 1 } } as const;
  const model = one.wire === "chat" ? openAICompatible(options) : anthropicMessages(options);
  const ending = await run(agent, { provider: local({ model }), prompt: "go" }).then(
    (result) => result.ending,
    (thrown: unknown) => {
      if (thrown instanceof LoophostError && thrown.code !== "timeout") return thrown.code;
      throw new Error("a run hung, or failed with something untyped", { cause: thrown });
    },
  );
  const foreign = ran.find((input) => !one.inputs.includes(input));
  if (foreign !== undefined) throw new Error(`a tool ran with ${foreign}, which was not sent`);
  if (ran.length > one.inputs.length) throw new Error("a tool ran more often than it was called");
  if (!one.mayRun && ran.length > 0) throw new Error("a tool ran out of a reply that was not whole");
  return ending;
}

const LAST = {
  chat: {
    body: JSON.stringify({ choices: [{ finish_reason: "stop", message: { content: "done" } }] }),
    type: "application/json",
  },
  messages: {
    body: JSON.stringify({ content: [{ type: "text", text: "done" }], stop_reason: "end_turn" }),
    type: "application/json",
  },
};
