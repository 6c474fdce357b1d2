/** Interrupts: the one way to stop a session, whatever it is doing. */

import type { ConformanceCheck } from "../check.ts";
import { checksOf, Inapplicable } from "../check.ts";
import type { WireEvent } from "../event-feed.ts";
import { at, isTime, must, ok, refused } from "../expect.ts";
import type { Talk } from "../talk.ts";
import { HELLO, INTERRUPT, LONG, message, reasonOf, result } from "../talk.ts";

/** The checks. */
export const interruptChecks: readonly ConformanceCheck[] = checksOf("interrupts", 1, [
  {
    name: "resting",
    needs: "model",
    title: "takes an interrupt of a resting session, and does nothing",
    why: "It crosses the end of the turn on the wire; the client cannot know.",
    async run(client) {
      const talk = await client.talk();
      await talk.turn(HELLO);
      const from = talk.feed.events.length;
      ok(await talk.post(INTERRUPT));
      await talk.turn(HELLO);
      const idles = talk.feed.events.slice(from).filter(({ type }) => type === "session.status_idle");
      must(idles.length === 1, talk.feed.evidence, "no idle but the one of the next message");
    },
  },
  {
    name: "blocked",
    needs: "model",
    title: "ends a turn that waits for results: end_turn, and its calls can no longer be answered",
    why: "It is the only way out when nobody can answer.",
    async run(client) {
      const talk = await client.talk();
      const [call] = await talk.calls("alpha");
      const turn = await talk.turn(INTERRUPT);
      must(reasonOf(turn.at(-1)) === "end_turn", talk.feed.evidence, "an idle with end_turn");
      must(turn.at(-2)?.type === "session.usage", talk.feed.evidence, "session.usage before it");
      refused(await talk.post(result(call, "code-17")));
    },
  },
  {
    name: "closes-calls",
    tier: 2,
    needs: "model",
    title: "closes the open calls with an agent.tool_result that is an error, before the idle",
    why: "A call without a result looks open to every client that reads the list later.",
    async run(client) {
      const talk = await client.talk();
      const [call] = await talk.calls("alpha");
      const turn = await talk.turn(INTERRUPT);
      const closed = turn.find((event) => at(event, "tool_use_id") === call?.id);
      must(
        closed?.type === "agent.tool_result" && closed["is_error"] === true,
        talk.feed.evidence,
        `an agent.tool_result for ${call?.id} with is_error`,
      );
    },
  },
  {
    name: "then-message",
    needs: "model",
    title: "takes an interrupt and a message in one post: first the idle, then the message's turn",
    why: "People stop an agent and say something else in one go; the first idle is not the answer.",
    async run(client) {
      const talk = await client.talk();
      await talk.calls("alpha");
      const from = talk.feed.events.length;
      const reply = ok(await talk.post(INTERRUPT, HELLO));
      const first = await talk.untilIdle(from);
      must(reasonOf(first.at(-1)) === "end_turn", talk.feed.evidence, "first an idle with end_turn");
      const id = at(reply.body, "data", 1, "id");
      const isTaken = (event: WireEvent) => event.id === id && isTime(event["processed_at"]);
      must(!first.some(isTaken), talk.feed.evidence, "the message taken after that idle");
      const second = await talk.untilIdle(from + first.length);
      must(second.some(isTaken), talk.feed.evidence, "the message taken in the turn after it");
    },
  },
  {
    name: "running",
    needs: "model",
    title: "stops a model at work: end_turn, without an error",
    why: "Somebody watches it go wrong and presses stop.",
    async run(client) {
      const talk = await client.talk();
      await startLong(talk);
      if (talk.feed.events.some(({ type }) => type === "session.status_idle"))
        throw new Inapplicable("the model did not take long enough to be interrupted", true);
      ok(await talk.post(INTERRUPT));
      const turn = await talk.untilIdle(0);
      must(reasonOf(turn.at(-1)) === "end_turn", talk.feed.evidence, "an idle with end_turn");
      must(!turn.some(({ type }) => type === "session.error"), talk.feed.evidence, "no session.error");
    },
  },
  {
    name: "then-queued",
    needs: "model",
    title: "takes a message while it runs, and its turn comes after an interrupt",
    why: "What was said meanwhile is not lost with what was stopped.",
    async run(client) {
      const talk = await client.talk();
      await startLong(talk);
      const reply = ok(await talk.post(message("Answer with the single word: next")));
      const id = at(reply.body, "data", 0, "id");
      ok(await talk.post(INTERRUPT));
      const isTaken = (event: WireEvent) => event.id === id && isTime(event["processed_at"]);
      const taken = await talk.feed.until("the message that waited, taken", isTaken);
      await talk.untilIdle(taken, "end_turn");
    },
  },
]);

/** Has the model begin something long, and waits until it is at it. */
async function startLong(talk: Talk): Promise<void> {
  ok(await talk.post(LONG));
  await talk.feed.untilType("span.model_request_start");
}
