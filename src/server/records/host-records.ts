/** Everything the host keeps beside the logs: agents with their versions, environments and sessions. */

import type { Json } from "../../core/json.ts";
import type { RecordStore, RecordWrite } from "../../core/store.ts";
import { found } from "../http/errors.ts";
import type { PageRequest } from "../http/pages.ts";
import { noCursor } from "../http/pages.ts";
import type { AgentRecord } from "./agent-record.ts";
import { Collection } from "./collection.ts";
import type { EnvironmentRecord } from "./environment-record.ts";
import type { SessionGlance, SessionRecord } from "./session-record.ts";
import { glanceOf } from "./session-record.ts";
import { now } from "./time.ts";
import type { MakeTurns } from "./turns.ts";
import { turnsOfOne } from "./turns.ts";

/** The records of a host. */
export class HostRecords {
  readonly agents: Collection<AgentRecord>;
  readonly environments: Collection<EnvironmentRecord>;
  readonly sessions: Collection<SessionRecord, SessionGlance>;
  readonly #store: RecordStore;

  /** @param turns at what clients may change through several hosts. Default: the host is alone with its records */
  constructor(store: RecordStore, turns: MakeTurns = () => turnsOfOne(store)) {
    this.#store = store;
    this.agents = new Collection(store, "host.agents", undefined, turns("agents"));
    this.environments = new Collection(store, "host.environments", undefined, turns("environments"));
    this.sessions = new Collection(store, "host.sessions", glanceOf, turns("sessions"));
  }

  /** The write that keeps a version of an agent for good, for the transaction of what it became. */
  versionOf(agent: AgentRecord): readonly RecordWrite[] {
    return [{ collection: versionsOf(agent.id), key: versionKey(agent.version), value: agent }];
  }

  /** An agent in one version; the latest when none is named. */
  async agent(id: string, version?: number): Promise<AgentRecord> {
    const latest = found(await this.agents.get(id), `Agent ${id}`);
    if (version === undefined || version === latest.version) return latest;
    const kept = await this.#store.get(versionsOf(id), versionKey(version));
    return toAgent(found(kept, `Version ${version} of agent ${id}`));
  }

  /** An environment. */
  async environment(id: string): Promise<EnvironmentRecord> {
    return foundEnvironment(await this.environments.get(id), id);
  }

  /** The versions of an agent, newest first. */
  async versions(
    id: string,
    { limit, page }: PageRequest,
  ): Promise<{ data: AgentRecord[]; next_page: string | null }> {
    if (page !== null && !/^\d{9}$/.test(page)) throw noCursor();
    const entries = await this.#store.list(versionsOf(id), page ?? "", limit + 1);
    const shown = entries.slice(0, limit);
    const isMore = entries.length > limit;
    return {
      data: shown.map(({ value }) => toAgent(value)),
      next_page: isMore ? (shown.at(-1)?.key ?? null) : null,
    };
  }
}

/** An environment that was looked for, or a refusal. */
export function foundEnvironment(record: EnvironmentRecord | undefined, id: string): EnvironmentRecord {
  return found(record, `Environment ${id}`, "environment_not_found");
}

/** A record that is archived from now on, if it was not before. */
export function archived<T extends { readonly archived_at: string | null }>(record: T): T {
  return { ...record, archived_at: record.archived_at ?? now() };
}

function versionsOf(agentId: string): string {
  return `host.agents/${agentId}/versions`;
}

/** Counts down, so that the newest version sorts first. */
function versionKey(version: number): string {
  return String(999_999_999 - version).padStart(9, "0");
}

function toAgent(value: Json): AgentRecord {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a parse boundary: only `versionOf` writes there
  return value as AgentRecord;
}
