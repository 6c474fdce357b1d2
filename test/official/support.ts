// What the tests of this folder share: an embedded host behind real HTTP, with a key, and a client of one release on it.

import type Anthropic from "@anthropic-ai/sdk";
import type { ModelFunction } from "loophost/providers/local";
import type { EmbeddedHostOptions } from "loophost/server";
import { embeddedHost } from "loophost/server";

import type { SeenEvent } from "../server/support.ts";
import { customTool, StreamReader } from "../server/support.ts";
import type { Release } from "./releases.ts";

/** The key the hosts of this folder ask for. */
export const API_KEY = "key-of-this-test";

/** A host and a client of it. */
export interface Served extends AsyncDisposable {
  readonly url: string;
  readonly client: Anthropic;
  /** Creates agent, environment and session, with a custom tool for each name. */
  session(tools?: readonly string[]): Promise<string>;
  /** Follows a session from now on. */
  follow(sessionId: string, params?: Anthropic.Beta.Sessions.EventStreamParams): Promise<StreamReader>;
}

/** Starts a host, and gives it a client as that release makes it by default. */
export async function serve(
  { Anthropic }: Release,
  model: ModelFunction,
  options: Omit<EmbeddedHostOptions, "model"> = {},
): Promise<Served> {
  const host = embeddedHost({ model, apiKey: API_KEY, ...options });
  const { url } = await host.listen();
  const client = new Anthropic({ baseURL: url, apiKey: API_KEY });
  const { agents, environments, sessions } = client.beta;
  return {
    url,
    client,
    async session(tools = []) {
      const agent = await agents.create({ name: "helper", model: "m", tools: tools.map(customTool) });
      const environment = await environments.create({ name: "dev" });
      return (await sessions.create({ agent: agent.id, environment_id: environment.id })).id;
    },
    async follow(sessionId, params = {}) {
      const stream = await sessions.events.stream(sessionId, params);
      return new StreamReader(stream, () => stream.controller.abort());
    },
    [Symbol.asyncDispose]: () => host.close(),
  };
}

/** All items of a listing, by the release's own walk through its pages. */
export function gather<T>(pages: AsyncIterable<T>): Promise<T[]> {
  return Array.fromAsync(pages);
}

/** All events of a session, oldest first. */
export async function logOf(client: Anthropic, sessionId: string): Promise<SeenEvent[]> {
  return (await gather(client.beta.sessions.events.list(sessionId, { limit: 3 }))) as unknown as SeenEvent[];
}
