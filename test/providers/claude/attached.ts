// A session with a fake host, attached to, and the words such a host uses.

import type { OpenOptions, Session } from "loophost";
import { defineAgent, defineTool, openSession } from "loophost";
import type { ClaudeOptions } from "loophost/providers/claude";
import { claude } from "loophost/providers/claude";

import type { FakeHost, Told } from "./fake-host.ts";
import { SESSION } from "./fake-host.ts";

export const RUNNING: Told = { type: "session.status_running" };
export const DONE: Told = { type: "session.status_idle", stop_reason: { type: "end_turn" } };

export function blocked(...event_ids: string[]): Told {
  return { type: "session.status_idle", stop_reason: { type: "requires_action", event_ids } };
}

export function message(text: string): Told {
  return { type: "user.message", content: [{ type: "text", text }] };
}

export function says(text: string, thread?: string): Told {
  return { type: "agent.message", content: [{ type: "text", text }], session_thread_id: thread ?? null };
}

/** The commands the tool `bash` ran since the session was attached to. */
export const ran: string[] = [];

const bash = defineTool({
  name: "bash",
  description: "Runs a command",
  input: { type: "object" },
  execute: ({ command }) => {
    ran.push(String(command));
    return "done";
  },
});

/** Attaches to the one session of a host, for an agent that has a tool `bash`. */
export function attach(
  host: FakeHost,
  options: ClaudeOptions = {},
  how: Partial<OpenOptions> = {},
): Promise<Session> {
  ran.length = 0;
  const provider = claude({ baseUrl: host.url, ...options });
  const agent = defineAgent({ name: "a", instructions: "b", model: "m", tools: [bash] });
  return openSession(agent, { provider, sessionId: SESSION, ...how });
}

/** The objects of a host whose one session is in an environment of some kind. */
export function inside(type: string): Readonly<Record<string, object>> {
  return {
    [`/v1/sessions/${SESSION}`]: { id: SESSION, environment_id: "env_1" },
    "/v1/environments/env_1": { id: "env_1", config: { type } },
  };
}
