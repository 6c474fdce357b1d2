// The embedded host tells its events in the order real sessions have them: a model that replies as the recorded one did,
// a client that posts as the recorded one did, and the host's log next to the recorded log.

import { expect, it } from "vitest";

import type { ModelPart } from "../../src/providers/local/models/function-model.ts";
import { call, follow, listed, scripted, startHost } from "../server/support.ts";
import { emptyTurn } from "./logs/endings.ts";
import { interruptedWhileBlocked, lateAnswer, oneCall, partialAnswer } from "./logs/tools.ts";
import type { Posted, Recording, Told } from "./recording.ts";
import { eventsIn, isPosted } from "./recording.ts";

it.each([oneCall, partialAnswer, interruptedWhileBlocked, lateAnswer, emptyTurn])(
  "$name: the embedded host's log has the recorded order [F2-order]",
  async (recording) => {
    await using server = await startHost(scripted(...repliesIn(recording)));
    const id = await server.session(["find_order", "ask_person"]);
    await using stream = await follow(server.client, id);
    const calls: (string | undefined)[] = [];
    let told = 0;
    for (const step of recording.steps) {
      if (isPosted(step)) {
        await server.client.beta.sessions.events.send(id, { events: [toEvent(step, recording, calls)] });
      } else if (step.id !== undefined) {
        const event = await stream.until(() => true, told);
        if (event.type === "agent.custom_tool_use") calls.push(event.id);
        told += 1;
      }
    }
    const recorded = eventsIn(recording).filter((event) => event.id !== undefined);
    expect(stream.events.map(shapeOf)).toEqual(recorded.map(shapeOf));
    expect(await listed(server.client, id)).toEqual(stream.events);
  },
);

/** What the model said at each request, as parts of a reply. */
function repliesIn(recording: Recording): ModelPart[][] {
  const replies: ModelPart[][] = [];
  for (const { type, id, name, input, content } of eventsIn(recording)) {
    if (type === "span.model_request_start") replies.push([]);
    if (type === "agent.custom_tool_use") replies.at(-1)?.push(call(String(id), String(name), input));
    if (type === "agent.message") replies.at(-1)?.push(...(content as ModelPart[]));
  }
  return replies;
}

/** The event to post at a step; it names the host's call that came where the recorded one did. */
function toEvent({ post }: Posted, recording: Recording, calls: readonly (string | undefined)[]): never {
  const recorded = eventsIn(recording).filter(({ type }) => type === "agent.custom_tool_use");
  const position = recorded.findIndex(({ id }) => id === post["custom_tool_use_id"]);
  return (position < 0 ? post : { ...post, custom_tool_use_id: calls[position] }) as never;
}

/** What an event says, without what differs from session to session. */
function shapeOf(event: Told): object {
  const reason = event["stop_reason"] as { type: string; event_ids?: string[] } | undefined;
  return { type: event.type, ...(reason && { reason: reason.type, waitsFor: reason.event_ids?.length }) };
}
