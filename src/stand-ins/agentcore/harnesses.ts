/** Harnesses of the stand-in, which take their time to become ready and to go: by its clock, which may be set by hand. */

import type { Clock } from "../../core/clock.ts";
import { isObject } from "../../core/json.ts";
import type { Deployed } from "./agent-session.ts";
import { Endpoints } from "./endpoints.ts";
import { readPrompt } from "./invocation.ts";
import { pageOf } from "./page.ts";
import { invalid, Refusal } from "./refusal.ts";

/** How long things take, and how they end. */
export interface Pace {
  /** Milliseconds until what is made or changed is ready. Default 0: at once. */
  readonly readyAfterMs?: number | undefined;
  /** Milliseconds until what is deleted is gone. Default 0: at once. */
  readonly goneAfterMs?: number | undefined;
  /** The status it has then, instead of READY. */
  readonly endsAs?: string | undefined;
  /** The status it has after its deletion, instead of being gone. */
  readonly deletionEndsAs?: string | undefined;
}

interface Harness {
  readonly id: string;
  readonly name: string;
  readonly token: unknown;
  readonly versions: Record<string, unknown>[];
  readonly endpoints: Endpoints;
  status: string;
  /** When it leaves that status, and for which; undefined for being gone. */
  due: { readonly at: number; readonly status: string | undefined } | undefined;
}

/** A harness as the service shows it. */
export interface Shown extends Record<string, unknown> {
  readonly arn: string;
}

const ACCOUNT = "123456789012";

/** The harnesses of one account and region. */
export class Harnesses {
  /** May be changed at any time; holds for what is made or deleted from then on. */
  pace: Pace = {};
  readonly #region: string;
  readonly #clock: Clock;
  readonly #all = new Map<string, Harness>();

  constructor(region: string, clock: Clock) {
    this.#region = region;
    this.#clock = clock;
  }

  /** The ARN of a harness. */
  arnOf(id: string): string {
    return `arn:aws:bedrock-agentcore:${this.#region}:${ACCOUNT}:harness/${id}`;
  }

  /** A harness by its ARN, and the endpoint it is called by, to run an agent in; it has to be ready. */
  deployed(arn: string | undefined, qualifier = "DEFAULT"): Deployed {
    const harness = this.#living().find(({ id }) => this.arnOf(id) === arn);
    if (harness === undefined)
      throw new Refusal(404, "ResourceNotFoundException", "There is no such harness.");
    if (harness.status !== "READY") throw invalid("harnessArn", "Harness is not READY");
    const version = harness.endpoints.liveVersion(qualifier, harness.versions.length);
    const { tools, allowedTools, systemPrompt } = harness.versions[version - 1] ?? {};
    return {
      tools: Array.isArray(tools) ? tools.filter(isObject) : [],
      allowedTools: Array.isArray(allowedTools) ? allowedTools.map(String) : ["*"],
      systemPrompt: readPrompt(systemPrompt) ?? "",
    };
  }

  /** Makes a harness; the same request again makes no second one. */
  create(body: Record<string, unknown>): { readonly harness: Shown } {
    const { harnessName: name, executionRoleArn, clientToken } = body;
    if (typeof name !== "string" || !/^[a-zA-Z][a-zA-Z0-9_]{0,39}$/.test(name))
      throw invalid("harnessName", "bad");
    if (typeof executionRoleArn !== "string" || !/^arn:aws[^:]*:iam::\d+:role\/.+/.test(executionRoleArn))
      throw invalid("executionRoleArn", "must be the ARN of a role");
    const taken = this.#living().find((other) => other.name === name);
    if (taken !== undefined && taken.token === clientToken && clientToken !== undefined)
      return this.#show(taken);
    if (taken !== undefined) throw new Refusal(409, "ConflictException", `${name} exists already.`);
    const id = `${name}-${crypto.randomUUID().replaceAll("-", "").slice(0, 10)}`;
    const endpoints = new Endpoints(this.#clock, () => this.pace);
    const made: Harness = {
      id,
      name,
      token: clientToken,
      versions: [body],
      endpoints,
      status: "CREATING",
      due: this.#dueReady(),
    };
    this.#all.set(id, made);
    return this.#show(this.#find(id));
  }

  /** Looks at a harness. */
  get(id: string, version?: string): { readonly harness: Shown } {
    return this.#show(this.#find(id), version);
  }

  /** Changes a harness, which makes a version; what is left out stays. */
  update(id: string, body: Record<string, unknown>): { readonly harness: Shown } {
    const harness = this.#find(id);
    if (harness.status !== "READY") throw new Refusal(409, "ConflictException", `It is ${harness.status}.`);
    harness.versions.push({ ...harness.versions.at(-1), ...body });
    harness.status = "UPDATING";
    harness.due = this.#dueReady();
    return this.#show(this.#find(id));
  }

  /** Begins to delete a harness; one that is still being made cannot be. */
  delete(id: string): object {
    const harness = this.#find(id);
    if (harness.status === "CREATING" || harness.status === "UPDATING")
      throw new Refusal(409, "ConflictException", `The harness is still ${harness.status}.`);
    const { goneAfterMs = 0, deletionEndsAs } = this.pace;
    harness.status = "DELETING";
    harness.due = { at: this.#clock.now() + goneAfterMs, status: deletionEndsAs };
    return this.#show(harness);
  }

  /** All of them, a page at a time. */
  list(query: URLSearchParams): object {
    return pageOf("harnesses", this.#living(), query, (harness) => this.#summary(harness));
  }

  /** The versions of one, the newest first. */
  versions(id: string, query: URLSearchParams): object {
    const harness = this.#find(id);
    const numbers = harness.versions.map((_, index) => index + 1).toReversed();
    return pageOf("harnessVersions", numbers, query, (version) => this.#summary(harness, version));
  }

  /** The endpoints of one, with what the service shows of each besides. */
  endpoints(id: string): { readonly of: Endpoints; readonly newest: number; readonly shared: object } {
    const { endpoints, versions, name } = this.#find(id);
    return {
      of: endpoints,
      newest: versions.length,
      shared: { harnessId: id, harnessName: name, arn: this.arnOf(id) },
    };
  }

  #dueReady(): Harness["due"] {
    const { readyAfterMs = 0, endsAs = "READY" } = this.pace;
    return { at: this.#clock.now() + readyAfterMs, status: endsAs };
  }

  /** Those that are there at this moment. */
  #living(): Harness[] {
    for (const harness of this.#all.values()) {
      if (harness.due === undefined || harness.due.at > this.#clock.now()) continue;
      const { status } = harness.due;
      harness.due = undefined;
      if (status === undefined) this.#all.delete(harness.id);
      else harness.status = status;
    }
    return [...this.#all.values()];
  }

  #find(id: string): Harness {
    const harness = this.#living().find((other) => other.id === id);
    if (harness === undefined)
      throw new Refusal(404, "ResourceNotFoundException", `There is no harness ${id}.`);
    return harness;
  }

  #summary({ id, name, status, versions }: Harness, version: number = versions.length): Shown {
    const arn = this.arnOf(id);
    const failed = status.endsWith("_FAILED") ? { failureReason: "On demand." } : {};
    return {
      harnessId: id,
      harnessName: name,
      arn,
      status,
      harnessVersion: String(version),
      ...TIMES,
      ...failed,
    };
  }

  #show(harness: Harness, version = String(harness.versions.length)): { readonly harness: Shown } {
    const body = harness.versions[Number(version) - 1];
    if (body === undefined) throw new Refusal(404, "ResourceNotFoundException", "There is no such version.");
    const { clientToken: _token, harnessName: _name, ...said } = body;
    const environment = { agentCoreRuntimeEnvironment: ENVIRONMENT };
    return {
      harness: {
        ...DEFAULTS,
        ...said,
        ...this.#summary(harness, Number(version)),
        environment,
      },
    };
  }
}

/** When everything was made. */
export const TIMES = { createdAt: "2026-11-20T00:00:00Z", updatedAt: "2026-11-20T00:00:00Z" };

const DEFAULTS = {
  model: { bedrockModelConfig: { modelId: "stand-in" } },
  systemPrompt: [],
  tools: [],
  allowedTools: ["*"],
  skills: [],
  truncation: { strategy: "sliding_window" },
  maxIterations: 75,
};
const ENVIRONMENT = {
  agentRuntimeArn: `arn:aws:bedrock-agentcore:us-west-2:${ACCOUNT}:runtime/harness-x`,
  agentRuntimeName: "harness",
  agentRuntimeId: "harness-x",
  lifecycleConfiguration: {},
  networkConfiguration: { networkMode: "PUBLIC" },
};
