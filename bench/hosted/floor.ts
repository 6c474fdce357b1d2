/**
 * The floor of a hosted session: what a careful engineer writes by hand over fetch, with nothing that is not needed for this
 * one task. No second attempt, no history, no deadline, no answer that was lost.
 */

import { splitEvents } from "../split-events.ts";
import { Orders, PROMPT } from "../task.ts";
import { HEADERS, makeResources, post } from "./resources.ts";
import type { HostedSetting, HoldSession } from "./setting.ts";

type WireEvent =
  | {
      readonly type: "agent.custom_tool_use";
      readonly id: string;
      readonly input: { readonly query: string };
    }
  | { readonly type: "session.status_idle"; readonly stop_reason: { readonly type: string } }
  | { readonly type: "session.error" };

/** Sets the hand-written client up. */
export async function floor({ url, script }: HostedSetting): Promise<HoldSession> {
  const resources = await makeResources(url, script);
  return async () => {
    const orders = new Orders(script);
    const { id } = await post(`${url}/v1/sessions`, resources);
    const events = `${url}/v1/sessions/${id}/events`;
    const send = (event: object) => post(events, { events: [event] });
    // The response as a whole: when it is collected, fetch cancels a body that nobody reads yet.
    const stream = await fetch(`${events}/stream`, { headers: HEADERS });
    await send({ type: "user.message", content: [{ type: "text", text: PROMPT }] });
    if (stream.body === null) throw new Error("The event stream has no body.");
    const answers: Promise<unknown>[] = [];
    await splitEvents(stream.body, (data) => {
      const event: WireEvent = JSON.parse(data);
      if (event.type === "agent.custom_tool_use") {
        const content = [{ type: "text", text: orders.lookUp(event.input.query) }];
        answers.push(send({ type: "user.custom_tool_result", custom_tool_use_id: event.id, content }));
      }
      return event.type === "session.status_idle" && event.stop_reason.type === "end_turn";
    });
    await Promise.all(answers);
    return orders;
  };
}
