// What the host has on record of all its sessions, asked for past the faulty network.

import type { EmbeddedHost } from "loophost/server";

type Listed = Readonly<Record<string, unknown>>;

/** What came to the host. */
export interface HostView {
  readonly sessions: number;
  /** The texts of messages, in order, of all sessions. */
  readonly messages: readonly string[];
  /** The ids of calls, once for each time they were answered. */
  readonly answered: readonly string[];
  /** How many calls were made. */
  readonly calls: number;
}

/** Looks into the records of a host. */
export async function viewOf(host: EmbeddedHost): Promise<HostView> {
  const sessions = await listAll(host, "/v1/sessions");
  const logs = await Promise.all(
    sessions.map(({ id }) => listAll(host, `/v1/sessions/${String(id)}/events`)),
  );
  const events = logs.flat();
  const of = (type: string) => events.filter((event) => event["type"] === type);
  return {
    sessions: sessions.length,
    messages: of("user.message").map(({ content }) => textOf(content)),
    answered: of("user.custom_tool_result").map((event) => String(event["custom_tool_use_id"])),
    calls: of("agent.custom_tool_use").length,
  };
}

async function listAll(host: EmbeddedHost, path: string): Promise<Listed[]> {
  const all: Listed[] = [];
  for (let page = ""; ;) {
    const query = new URLSearchParams({ limit: "100", ...(page !== "" && { page }) });
    const reply = await host.fetch(new Request(`http://127.0.0.1${path}?${query.toString()}`));
    const { data, next_page: next } = (await reply.json()) as { data: Listed[]; next_page: string | null };
    all.push(...data);
    if (next === null) return all;
    page = next;
  }
}

function textOf(content: unknown): string {
  return (content as readonly { readonly text?: string }[]).map(({ text = "" }) => text).join("");
}
