/** What an update may change of a session: title, metadata, and the tools and MCP servers of its copy of the agent. */

import type { JsonObject } from "../../core/json.ts";
import { invalid } from "../http/errors.ts";
import { isJsonObject, optionalString, patchMetadata } from "../http/fields.ts";
import { overridden } from "./agent-record.ts";
import type { SessionRecord } from "./session-record.ts";

/** The fields an update changes; they are kept, and told as `session.updated`. */
export type SessionChanges = Partial<Pick<SessionRecord, "title" | "metadata" | "agent">>;

/**
 * Reads an update of a session.
 *
 * @throws Refusal when it changes what cannot be changed, or cannot be now
 */
export function readSessionUpdate(
  record: SessionRecord,
  hasOpenRun: boolean,
  body: JsonObject,
): SessionChanges {
  if (body["vault_ids"] !== undefined) throw invalid("vault_ids cannot be changed.");
  const title = optionalString(body, "title", 1_024);
  const { metadata, agent = null } = body;
  if (agent !== null && !isJsonObject(agent)) throw invalid("agent must be an object.");
  return {
    ...(title !== undefined && { title }),
    ...(metadata && { metadata: patchMetadata(record.metadata, metadata) }),
    ...(agent && { agent: changedAgent(record, hasOpenRun, agent) }),
  };
}

function changedAgent(record: SessionRecord, hasOpenRun: boolean, given: JsonObject): SessionRecord["agent"] {
  const fixed = ["model", "system", "skills"].find((name) => given[name] !== undefined);
  if (fixed !== undefined)
    throw invalid(`agent.${fixed} cannot be changed in a session; agent.tools and agent.mcp_servers can.`);
  // A turn ends with the tools it began with: its open calls were made of them.
  if (hasOpenRun)
    throw invalid(
      "agent cannot be changed during a turn. Send a user.interrupt and wait for session.status_idle.",
    );
  return overridden(record.agent, given);
}
