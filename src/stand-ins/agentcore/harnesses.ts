/** The control plane: harnesses, which take so many looks to become ready and to go. */

import { isObject } from "../../core/json.ts";
import type { Deployed } from "./agent-session.ts";
import { readPrompt } from "./invocation.ts";
import { invalid, Refusal } from "./refusal.ts";

/** How long things take, in looks at them. */
export interface Pace {
  /** Default 0: ready at once. */
  readonly looksUntilReady?: number | undefined;
  /** Default 0: gone at once. */
  readonly looksUntilGone?: number | undefined;
  /** The status a harness ends up with instead of READY. */
  readonly endsAs?: string | undefined;
}

interface Harness {
  readonly id: string;
  readonly name: string;
  readonly token: unknown;
  fields: Record<string, unknown>;
  status: string;
  looksLeft: number;
  version: number;
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
  readonly #all = new Map<string, Harness>();

  constructor(region: string) {
    this.#region = region;
  }

  /** The ARN of a harness. */
  arnOf(id: string): string {
    return `arn:aws:bedrock-agentcore:${this.#region}:${ACCOUNT}:harness/${id}`;
  }

  /** A harness by its ARN, to run an agent in; it has to be ready. */
  deployed(arn: string | undefined): Deployed {
    const harness = [...this.#all.values()].find(({ id }) => this.arnOf(id) === arn);
    if (harness === undefined)
      throw new Refusal(404, "ResourceNotFoundException", "There is no such harness.");
    if (harness.status !== "READY") throw invalid("harnessArn", "Harness is not READY");
    const { tools, allowedTools, systemPrompt } = harness.fields;
    return {
      tools: Array.isArray(tools) ? tools.filter(isObject) : [],
      allowedTools: Array.isArray(allowedTools) ? allowedTools.map(String) : ["*"],
      systemPrompt: readPrompt(systemPrompt) ?? "",
    };
  }

  /** Makes a harness. */
  create(body: Record<string, unknown>): { readonly harness: Shown } {
    const { harnessName: name, executionRoleArn, clientToken } = body;
    if (typeof name !== "string" || !/^[a-zA-Z][a-zA-Z0-9_]{0,39}$/.test(name))
      throw invalid("harnessName", "bad");
    if (typeof executionRoleArn !== "string" || !/^arn:aws[^:]*:iam::\d+:role\/.+/.test(executionRoleArn))
      throw invalid("executionRoleArn", "must be the ARN of a role");
    const taken = [...this.#all.values()].find((other) => other.name === name);
    if (taken !== undefined && taken.token === clientToken && clientToken !== undefined)
      return this.#show(taken);
    if (taken !== undefined) throw new Refusal(409, "ConflictException", `${name} exists already.`);
    const id = `${name}-${crypto.randomUUID().replaceAll("-", "").slice(0, 10)}`;
    const { looksUntilReady = 0 } = this.pace;
    const made = {
      id,
      name,
      token: clientToken,
      fields: body,
      status: "CREATING",
      looksLeft: looksUntilReady,
      version: 1,
    };
    this.#all.set(id, made);
    this.#settle(made);
    return this.#show(made);
  }

  /** Looks at a harness. */
  get(id: string): object {
    const harness = this.#find(id);
    if (harness.looksLeft > 0) harness.looksLeft -= 1;
    else this.#settle(harness);
    return this.#show(this.#find(id));
  }

  /** Changes a harness; what is left out stays. */
  update(id: string, body: Record<string, unknown>): object {
    const harness = this.#find(id);
    if (harness.status !== "READY") throw new Refusal(409, "ConflictException", `It is ${harness.status}.`);
    harness.fields = { ...harness.fields, ...body };
    harness.version += 1;
    return this.#show(harness);
  }

  /** Begins to delete a harness; one that is still being made cannot be. */
  delete(id: string): object {
    const harness = this.#find(id);
    if (harness.status === "CREATING")
      throw new Refusal(409, "ConflictException", "The harness is still being created.");
    harness.status = "DELETING";
    harness.looksLeft = this.pace.looksUntilGone ?? 0;
    return this.#show(harness);
  }

  /** All of them, a page at a time. */
  list(size: number, token: string | undefined): object {
    const all = [...this.#all.values()];
    const from = Number(token ?? 0);
    for (const harness of all) if (harness.status === "DELETING") this.#countDown(harness);
    const page = all.slice(from, from + size).filter(({ id }) => this.#all.has(id));
    const next = from + size < all.length ? String(from + size) : undefined;
    return { harnesses: page.map((harness) => this.#summary(harness)), nextToken: next };
  }

  /** What an endpoint serves. */
  endpoint(id: string, endpointName: string): object {
    const { version, name, status } = this.#find(id);
    const live = { liveVersion: String(version), targetVersion: String(version), status };
    return {
      endpoint: { harnessId: id, harnessName: name, endpointName, arn: this.arnOf(id), ...live, ...TIMES },
    };
  }

  #countDown(harness: Harness): void {
    if (harness.looksLeft > 0) harness.looksLeft -= 1;
    else this.#settle(harness);
  }

  #settle(harness: Harness): void {
    if (harness.looksLeft > 0) return;
    if (harness.status === "CREATING") harness.status = this.pace.endsAs ?? "READY";
    else if (harness.status === "DELETING") this.#all.delete(harness.id);
  }

  #find(id: string): Harness {
    const harness = this.#all.get(id);
    if (harness === undefined)
      throw new Refusal(404, "ResourceNotFoundException", `There is no harness ${id}.`);
    return harness;
  }

  #summary({ id, name, status, version }: Harness): Shown {
    const arn = this.arnOf(id);
    return { harnessId: id, harnessName: name, arn, status, harnessVersion: String(version), ...TIMES };
  }

  #show(harness: Harness): { readonly harness: Shown } {
    const { tools = [], allowedTools = ["*"], systemPrompt = [], executionRoleArn } = harness.fields;
    const environment = { agentCoreRuntimeEnvironment: ENVIRONMENT };
    const model = harness.fields["model"] ?? { bedrockModelConfig: { modelId: "stand-in" } };
    return {
      harness: {
        ...this.#summary(harness),
        executionRoleArn,
        model,
        systemPrompt,
        tools,
        allowedTools,
        environment,
        skills: [],
        truncation: { strategy: "sliding_window" },
        maxIterations: 75,
      },
    };
  }
}

const TIMES = { createdAt: "2026-11-20T00:00:00Z", updatedAt: "2026-11-20T00:00:00Z" };
const ENVIRONMENT = {
  agentRuntimeArn: `arn:aws:bedrock-agentcore:us-west-2:${ACCOUNT}:runtime/harness-x`,
  agentRuntimeName: "harness",
  agentRuntimeId: "harness-x",
  lifecycleConfiguration: {},
  networkConfiguration: { networkMode: "PUBLIC" },
};
