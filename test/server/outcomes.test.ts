// Outcomes: a goal that is worked towards until a grader is content, and the instructions that come along the way.

import type Anthropic from "@anthropic-ai/sdk";
import { describe, expect, it } from "vitest";

import type { ModelFunction, ModelRequest } from "../../src/providers/local/models/function-model.ts";
import type { HostUnderTest, SeenEvent, StreamReader } from "./support.ts";
import { answer, BAD, call, follow, gate, message, refusal, say, scripted, startHost } from "./support.ts";

type Verdict = "satisfied" | "needs_revision" | "failed";

/** A model that works by a script, and grades by another. */
function worker(work: ModelFunction, ...verdicts: readonly Verdict[]): ModelFunction {
  let graded = 0;
  return (request, context) => {
    if (!isGrading(request)) return work(request, context);
    if (request.messages.at(-1)?.role === "tool") return "graded";
    const result = verdicts[graded] ?? "failed";
    graded += 1;
    const output = request.tools[0]?.name ?? "";
    return [call(`g${graded}`, output, { result, explanation: `because ${graded}` })];
  };
}

const isGrading = ({ instructions }: ModelRequest): boolean => instructions.includes("rubric");

const outcome = (
  changes: object = {},
): Anthropic.Beta.Sessions.BetaManagedAgentsUserDefineOutcomeEventParams => ({
  type: "user.define_outcome",
  description: "Write a haiku",
  rubric: { type: "text", content: "Three lines" },
  ...changes,
});

async function begun(
  server: HostUnderTest,
  changes: object = {},
): Promise<{ id: string; stream: StreamReader }> {
  const id = await server.session(["a"]);
  const stream = await follow(server.client, id);
  await server.client.beta.sessions.events.send(id, { events: [outcome(changes)] });
  return { id, stream };
}

const verdictsIn = ({ events }: StreamReader): unknown[] =>
  events
    .filter(({ type }) => type === "span.outcome_evaluation_end")
    .map(({ iteration, result }: SeenEvent) => [iteration, result]);

describe("an outcome", () => {
  it("is graded when the model is done, and gone over until the grader is content [S7-outcome]", async () => {
    const heard: string[] = [];
    await using server = await startHost(
      worker(
        ({ messages }) => {
          heard.push(JSON.stringify(messages.at(-1)));
          return "a haiku";
        },
        "needs_revision",
        "satisfied",
      ),
    );
    const { id, stream } = await begun(server);
    await stream.idle("end_turn");
    const [start] = stream.events.filter(({ type }) => type === "span.outcome_evaluation_start");
    expect(stream.types()).toEqual([
      "session.status_running",
      "session.thread_status_running",
      "user.define_outcome",
      "span.model_request_start",
      "agent.message",
      "span.model_request_end",
      "span.outcome_evaluation_start",
      "span.outcome_evaluation_end",
      "span.model_request_start",
      "agent.message",
      "span.model_request_end",
      "span.outcome_evaluation_start",
      "span.outcome_evaluation_end",
      "session.thread_status_idle",
      "session.usage",
      "session.status_idle",
    ]);
    expect(verdictsIn(stream)).toEqual([
      [0, "needs_revision"],
      [1, "satisfied"],
    ]);
    const { outcome_id: outcomeId } = await stream.until("user.define_outcome");
    expect(await stream.until("span.outcome_evaluation_end")).toMatchObject({
      outcome_id: outcomeId,
      outcome_evaluation_start_id: start?.id,
      explanation: "because 1",
    });
    expect(heard[0]).toContain("Three lines");
    expect(heard[1]).toContain("because 1");
    const { outcome_evaluations: evaluations } = await server.client.beta.sessions.retrieve(id);
    expect(evaluations).toMatchObject([
      { outcome_id: outcomeId, iteration: 0, result: "needs_revision" },
      { outcome_id: outcomeId, iteration: 1, result: "satisfied", explanation: "because 2" },
    ]);
  });

  it("ends when it was gone over as often as it may be", async () => {
    await using server = await startHost(worker(() => "no haiku", "needs_revision", "needs_revision"));
    const { stream } = await begun(server, { max_iterations: 2 });
    await stream.idle("end_turn");
    expect(verdictsIn(stream)).toEqual([
      [0, "needs_revision"],
      [1, "max_iterations_reached"],
    ]);
  });

  it("may have its calls answered on the way, and its rubric in a file", async () => {
    let rubric = "";
    const work = scripted([call("c1", "a")], "done");
    await using server = await startHost((request, context) => {
      if (isGrading(request)) rubric ||= JSON.stringify(request.messages);
      return worker(work, "satisfied")(request, context);
    });
    const file = await server.client.beta.files.upload({
      file: new File(["Rhymes, too"], "rubric.txt", { type: "text/plain" }),
    });
    const { id, stream } = await begun(server, { rubric: { type: "file", file_id: file.id } });
    await stream.idle("requires_action");
    const use = await stream.until("agent.custom_tool_use");
    await server.client.beta.sessions.events.send(id, { events: [answer(use.id, "1")] });
    await stream.idle("end_turn");
    expect(verdictsIn(stream)).toEqual([[0, "satisfied"]]);
    expect(rubric).toContain("Rhymes, too");
  });

  it.each(["working", "grading"])("interrupted while %s is told so, and then idle", async (when) => {
    const asked = gate();
    const hang: ModelFunction = (_, { signal }) => {
      asked.open();
      return new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
    };
    await using server = await startHost((request, context) =>
      isGrading(request) === (when === "grading") ? hang(request, context) : "a haiku",
    );
    const { id, stream } = await begun(server);
    await asked.opened;
    await server.client.beta.sessions.events.send(id, { events: [{ type: "user.interrupt" }] });
    await stream.idle("end_turn");
    expect(verdictsIn(stream)).toEqual([[0, "interrupted"]]);
    const [start] = stream.events.filter(({ type }) => type === "span.outcome_evaluation_start");
    expect(await stream.until("span.outcome_evaluation_end")).toMatchObject({
      outcome_evaluation_start_id: start?.id ?? "",
    });
  });

  it("is one at a time, and well formed", async () => {
    const asked = gate();
    await using server = await startHost(() => {
      asked.open();
      return new Promise(() => undefined);
    });
    const { id } = await begun(server);
    await asked.opened;
    const send = (changes: object) =>
      refusal(server.client.beta.sessions.events.send(id, { events: [outcome(changes)] }));
    expect(await send({})).toBe(BAD);
    const other = await server.session();
    const sendOther = (changes: object) =>
      refusal(server.client.beta.sessions.events.send(other, { events: [outcome(changes)] }));
    expect(await sendOther({ max_iterations: 21 })).toBe(BAD);
    expect(await sendOther({ rubric: { type: "file", file_id: "file_none" } })).toBe(BAD);
    expect(await sendOther({ rubric: undefined })).toBe(BAD);
  });
});

describe("a system message", () => {
  const system = (text: string): Anthropic.Beta.Sessions.BetaManagedAgentsEventParams => ({
    type: "system.message",
    content: [{ type: "text", text }],
  });

  it("reaches the model with the message or the result it came with [S7-system]", async () => {
    const heard: string[] = [];
    const work = scripted([call("c1", "a")], "done");
    await using server = await startHost((request, context) => {
      heard.push(JSON.stringify(request.messages.slice(-2)));
      return work(request, context);
    });
    const id = await server.session(["a"]);
    await using stream = await follow(server.client, id);
    const send = (...events: Anthropic.Beta.Sessions.BetaManagedAgentsEventParams[]) =>
      server.client.beta.sessions.events.send(id, { events });
    await send(message("go"), system("Be brief."));
    await stream.idle("requires_action");
    const use = await stream.until("agent.custom_tool_use");
    await send(answer(use.id, "1"), system("Be kind."));
    await stream.idle("end_turn");
    expect(heard).toHaveLength(2);
    const told = (text: string) =>
      `{"role":"user","from":"operator","content":[{"type":"text","text":"${text}"}]}`;
    expect(heard[0]).toContain(told("Be brief."));
    expect(heard[1]).toContain(told("Be kind."));
    expect(stream.types().filter((type) => type === "system.message")).toHaveLength(2);
  });

  it("alone, first or twice is refused", async () => {
    await using server = await startHost(() => "ok");
    const id = await server.session();
    const send = (...events: Anthropic.Beta.Sessions.BetaManagedAgentsEventParams[]) =>
      refusal(server.client.beta.sessions.events.send(id, { events }));
    expect(await send(system("x"))).toBe(BAD);
    expect(await send(system("x"), message("go"))).toBe(BAD);
    expect(await send(message("go"), system("x"), system("y"))).toBe(BAD);
    await say(server.client, id, "go");
  });
});
