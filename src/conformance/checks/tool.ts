/** Custom tools: calls told, answered, and gone on from. */

import type { ConformanceCheck } from "../check.ts";
import { checksOf, Inapplicable } from "../check.ts";
import type { WireEvent } from "../event-feed.ts";
import { at, isSame, isTime, must, ok } from "../expect.ts";
import { awaitedBy, instructCalls, mustFind, reasonOf, result, textOf } from "../talk.ts";

/** The checks. */
export const toolChecks: readonly ConformanceCheck[] = checksOf("tools", 1, [
  {
    name: "call",
    needs: "model",
    title: "tells a call as agent.custom_tool_use with its name and its input as an object",
    why: "Clients run the tool from this event alone.",
    async run(client) {
      const talk = await client.talk();
      const [call] = await talk.calls("alpha");
      const evidence = talk.feed.showing(call);
      must(call?.["name"] === "look_up", evidence, 'name "look_up"');
      must(isSame(call["input"], { word: "alpha" }), evidence, 'input {"word":"alpha"}');
      must(call.id !== "" && isTime(call["processed_at"]), evidence, "an id and a processed_at");
    },
  },
  {
    name: "requires-action",
    needs: "model",
    title: "rests with requires_action and the ids of the open calls, all of them",
    why: "A client answers exactly these; one that is missing is never answered.",
    async run(client) {
      const talk = await client.talk();
      const calls = await talk.calls("alpha", "beta");
      const idle = talk.feed.events.at(-1);
      mustAwait(talk.feed.evidence, idle, calls);
      const usage = talk.feed.events.at(-2);
      must(
        usage?.type === "session.usage",
        talk.feed.evidence,
        "session.usage directly before this idle, too",
      );
    },
  },
  {
    name: "answer",
    needs: "model",
    title: "goes on when the result is posted: its echo, running again, and the end of the turn",
    why: "It is the whole round of a tool.",
    async run(client) {
      const talk = await client.talk();
      const [call] = await talk.calls("alpha");
      const turn = await talk.turn(result(call, "code-17"));
      const echo = mustFind(turn, "user.custom_tool_result", talk.feed);
      const running = mustFind(turn, "session.status_running", talk.feed);
      must(turn[echo]?.["custom_tool_use_id"] === call?.id, talk.feed.evidence, `the echo names ${call?.id}`);
      must(echo < running, talk.feed.evidence, "session.status_running after the echo of the result");
      must(reasonOf(turn.at(-1)) === "end_turn", talk.feed.evidence, "an idle with end_turn");
    },
  },
  {
    name: "result-reaches-model",
    needs: "model",
    title: "gives the result to the model",
    why: "A result that gets lost makes the model guess.",
    async run(client) {
      const talk = await client.talk();
      const [call] = await talk.calls("alpha");
      const turn = await talk.turn(result(call, "code-7391-alpha"));
      const said = turn.filter(({ type }) => type === "agent.message").map(textOf);
      must(
        said.some((text) => text.includes("7391")),
        { sent: "the result code-7391-alpha", came: JSON.stringify(said) },
        "an answer that holds it, as the model was told",
      );
    },
  },
  {
    name: "early-answer",
    needs: "model",
    title: "takes a result as soon as the call was told, before the idle",
    why: "Waiting for the idle costs time in every turn, and with several threads it may never come.",
    async run(client) {
      const talk = await client.talk();
      ok(await talk.post(instructCalls(["alpha"])));
      const position = await talk.feed.until("agent.custom_tool_use", ({ type }) =>
        ["agent.custom_tool_use", "session.status_idle"].includes(type),
      );
      const call = talk.feed.events[position];
      if (call?.type === "session.status_idle")
        throw new Inapplicable("the model did not call look_up", true);
      const reply = ok(await talk.post(result(call, "code-17")));
      must(at(reply.body, "data", 0, "type") === "user.custom_tool_result", reply, "the stored result");
      await talk.untilIdle(0, "end_turn");
    },
  },
  {
    name: "error-result",
    needs: "model",
    title: "takes a result with is_error and goes on",
    why: "A tool that fails is news for the model, not the end of the session.",
    async run(client) {
      const talk = await client.talk();
      const [call] = await talk.calls("alpha");
      const turn = await talk.turn(result(call, "No such word. Do not try again.", true));
      const echo = turn[mustFind(turn, "user.custom_tool_result", talk.feed)];
      must(echo?.["is_error"] === true, talk.feed.evidence, "is_error true in the echo");
    },
  },
  {
    name: "empty-result",
    needs: "model",
    title: "takes a result without content and goes on",
    why: "Tools that only do something have nothing to say.",
    async run(client) {
      const talk = await client.talk();
      const [call] = await talk.calls("alpha");
      await talk.turn({ type: "user.custom_tool_result", custom_tool_use_id: call?.id });
    },
  },
  {
    name: "partial-answer",
    needs: "model",
    title: "asks again for the rest when a part of the calls is answered, without running in between",
    why: "Clients take session.status_running for the model at work.",
    async run(client) {
      const talk = await client.talk();
      const [first, second] = await talk.calls("alpha", "beta");
      const turn = await talk.turn(result(first, "code-17"));
      mustAwait(talk.feed.evidence, turn.at(-1), second === undefined ? [] : [second]);
      must(turn.at(-2)?.type === "session.usage", talk.feed.evidence, "session.usage before it");
      must(
        !turn.some(({ type }) => type === "session.status_running"),
        talk.feed.evidence,
        "no session.status_running, since the model has nothing to do",
      );
      const rest = await talk.turn(result(second, "code-18"));
      mustFind(rest, "session.status_running", talk.feed);
    },
  },
  {
    name: "answers-together",
    needs: "model",
    title: "takes several results in one post, and does not ask again",
    why: "Clients that run tools in parallel send them together.",
    async run(client) {
      const talk = await client.talk();
      const [first, second] = await talk.calls("alpha", "beta");
      const turn = await talk.turn(result(second, "code-18"), result(first, "code-17"));
      must(
        turn.filter(({ type }) => type === "session.status_idle").length === 1 &&
          awaitedBy(turn.at(-1)).length === 0,
        talk.feed.evidence,
        "no idle but the end of the turn",
      );
    },
  },
]);

function mustAwait(
  evidence: { sent: string; came: string },
  idle: WireEvent | undefined,
  calls: readonly WireEvent[],
): void {
  const came = JSON.stringify(idle);
  must(reasonOf(idle) === "requires_action", { ...evidence, came }, "stop_reason requires_action");
  const ids = calls.map(({ id }) => id);
  must(
    isSame([...awaitedBy(idle)].map(String).toSorted(), ids.toSorted()),
    { ...evidence, came },
    `event_ids ${ids.join(", ")}`,
  );
}
