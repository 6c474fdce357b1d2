// Accents of model services, replayed from test/corpus/accents: by kind, the variations a service might come up with next.

import { readdirSync, readFileSync } from "node:fs";

import type { LoophostError, SessionResult } from "loophost";
import { defineAgent, defineTool, isRunError, run } from "loophost";
import { anthropicMessages, local, openAICompatible } from "loophost/providers/local";
import { describe, expect, it } from "vitest";

import type { Answer } from "../../../support/model-service.ts";
import { startService } from "../../../support/model-service.ts";
import { anthropicReply, chatReply } from "./replies.ts";

interface Accent {
  readonly as: string;
  readonly wire: "chat" | "messages";
  readonly status?: number;
  /** The content type, where it is not the one of what is sent; null for none. */
  readonly type?: string | null;
  /** The hint `x-should-retry`. */
  readonly retry?: string;
  /** What is sent: the data of events, a body in one piece, or bytes as they are. */
  readonly frames?: readonly unknown[];
  readonly body?: unknown;
  readonly text?: string;
  readonly want: {
    readonly requests: number;
    /** The calls that ran, with their inputs, in order. */
    readonly ran?: readonly unknown[];
    readonly text?: string;
    readonly ending?: string;
    /** What the error says. */
    readonly says?: string;
    readonly usage?: object;
    /** What the message of the model is in the second request. */
    readonly back?: object;
  };
}

const folder = new URL("../../../corpus/accents/", import.meta.url);
const kinds = readdirSync(folder).map((file): [string, Accent[]] => [
  file.slice(0, -".json".length),
  JSON.parse(readFileSync(new URL(file, folder), "utf8")),
]);

describe.each(kinds)("%s", (_, accents) => {
  it.each(accents)("$wire: $as", async (accent) => {
    const { wire, want } = accent;
    const done =
      wire === "chat"
        ? chatReply({ content: "done" })
        : anthropicReply("m", [{ type: "text", text: "done" } as never]);
    await using service = await startService(answerOf(accent), ...(want.requests === 2 ? [done] : []));
    const options = { baseUrl: service.url, apiKey: "key", retry: { firstDelayMs: 1 } };
    const provider = local({
      model: wire === "chat" ? openAICompatible(options) : anthropicMessages(options),
    });
    const { ran, agent } = recording();

    const { result, error } = await run(agent, { provider, prompt: "go" }).then(
      (whole): Outcome => ({ result: whole, error: undefined }),
      (thrown: LoophostError): Outcome => ({
        result: isRunError(thrown) ? thrown.result : undefined,
        error: thrown,
      }),
    );

    const sent = service.asked.map(({ text }) => JSON.parse(text, wellFormed));
    const { requests, ran: wanted = expect.any(Array), says, ...rest } = want;
    expect({ requests: sent.length, ran, says: error?.message ?? "" }).toEqual({
      requests,
      ran: wanted,
      says: expect.stringMatching(says ?? /^$/),
    });
    expect({ ...result, back: sent[1]?.messages[1] }).toMatchObject(rest);
    expect(sent.flatMap(({ messages }) => messages.flatMap(inputsOf))).toSatisfy(areObjects);
  });
});

interface Outcome {
  readonly result: Partial<SessionResult> | undefined;
  readonly error: LoophostError | undefined;
}

function recording() {
  const ran: unknown[] = [];
  const tools = ["weather", "clock"].map((name) =>
    defineTool({
      name,
      description: "Looks it up.",
      input: { type: "object" },
      execute(input) {
        ran.push([name, input]);
        return "sunny";
      },
    }),
  );
  return { ran, agent: defineAgent({ name: "a", instructions: "", model: "m", tools }) };
}

function answerOf({ status = 200, type, retry, frames, body, text }: Accent): Answer {
  const kind = type === undefined ? (body === undefined ? "text/event-stream" : "application/json") : type;
  const stream = frames
    ?.map((data) => `data: ${typeof data === "string" ? data : JSON.stringify(data)}\n\n`)
    .join("");
  return {
    status,
    headers: {
      ...(kind !== null && { "content-type": kind }),
      ...(retry !== undefined && { "x-should-retry": retry }),
    },
    body: text ?? stream ?? JSON.stringify(body),
  };
}

/** Strict services refuse half of a surrogate pair, in names and in texts. */
function wellFormed(name: string, value: unknown): unknown {
  const isWhole = name.isWellFormed() && (typeof value !== "string" || value.isWellFormed());
  if (!isWhole) throw new Error(`Half of a character was sent in ${JSON.stringify(name)}.`);
  return value;
}

/** What the calls in a message have for input. */
function inputsOf({ tool_calls: calls, content }: Record<string, unknown>): unknown[] {
  const blocks: { type: string; input: unknown }[] = Array.isArray(content) ? content : [];
  const written: { function: { arguments: string } }[] = Array.isArray(calls) ? calls : [];
  return [
    ...written.map((call): unknown => JSON.parse(call.function.arguments)),
    ...blocks.filter(({ type }) => type === "tool_use").map(({ input }) => input),
  ];
}

function areObjects(inputs: readonly unknown[]): boolean {
  return inputs.every((input) => typeof input === "object" && input !== null && !Array.isArray(input));
}
