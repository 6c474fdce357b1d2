/** Harnesses made ahead from agents: the agent's instructions, model and tools are deployed with it, so sessions send none of them. */

import type { Agent } from "../../../core/agent.ts";
import { canonical } from "../../../core/digest.ts";
import { LoophostError } from "../../../core/errors.ts";
import type { HandleRules } from "../../../core/handle.ts";
import type { EnsureRequest, Provisioning, Resource } from "../../../core/provisioning.ts";
import type { InvocationOptions } from "../session/invocation.ts";
import { admitting, overridesOf, toInlineFunctions } from "../session/invocation.ts";
import { ensureHarness } from "./ensure-harness.ts";
import type { HarnessRecord, NewHarness } from "./harnesses.ts";
import { listHarnesses } from "./harnesses.ts";
import type { ControlRequests } from "./requests.ts";
import { deletePatiently } from "./rollback.ts";
import { kindOf } from "./status.ts";
import { Budget } from "./wait.ts";

/** What a harness is made of beside its agent, in the words of the service, passed on untouched: `memory`, `environment`, `hooks`, … */
export interface HarnessSettings {
  /** The role the harness works as. */
  readonly executionRoleArn: string;
  readonly [field: string]: unknown;
}

/** Where harnesses are made, and of what. */
export interface ProvisioningParts {
  readonly requests: ControlRequests;
  readonly settings: HarnessSettings;
  readonly overrides: Pick<InvocationOptions, "model" | "systemPrompt">;
  /** What tells this account and region from others. */
  readonly scope: string;
}

/** What the handles of harnesses are like. */
export const HARNESS_HANDLES: HandleRules = {
  provider: "agentcore",
  kinds: ["agent"],
  names: { maxBytes: 40, isPlain: true },
  ids: { agent: ["harnessId", "harnessArn"] },
};

/** The part of the provider that makes harnesses. */
export function harnessProvisioning(parts: ProvisioningParts): Provisioning {
  const { requests, settings, overrides, scope } = parts;
  // A copy: what is changed later is in no digest.
  const digested = canonical({ settings, overrides }, "agentcore()");
  return {
    ...HARNESS_HANDLES,
    settings: () => digested,
    scope: () => scope,
    async ensure({ kind, name, digest, agent, environment, timeoutMs, onProgress, signal }: EnsureRequest) {
      if (agent === undefined)
        throw new LoophostError("invalid_agent", "A harness is made from an agent; none was given.");
      const definition = {
        ...toHarness(agent, name, digest, parts),
        ...(environment !== undefined && { environment }),
      };
      const tell = { kind, name };
      const { harness, isNew } = await ensureHarness(requests, definition, {
        timeoutMs: Math.max(1, Math.floor(timeoutMs)),
        signal,
        onProgress: ({ phase, status, elapsedMs }) =>
          onProgress({ ...tell, phase: phase === "rollback" ? phase : (status ?? "gone"), elapsedMs }),
      });
      return { ids: idsOf(harness), isNew };
    },
    async release(_kind, { harnessId }, signal) {
      if (typeof harnessId !== "string" || harnessId === "")
        throw new LoophostError("invalid_options", "There is no harnessId to release.");
      const failure = await deletePatiently(
        requests,
        harnessId,
        new Budget(requests.clock, { signal }),
        "gone",
      );
      if (failure !== undefined) throw failure;
    },
    async *list(_kind, signal) {
      for await (const harness of listHarnesses(requests, { signal }))
        if (kindOf(harness.status) !== "going") yield toResource(harness);
    },
  };
}

/** A harness of this agent, as the service is told. */
function toHarness(
  agent: Agent,
  harnessName: string,
  digest: string,
  { settings, overrides }: ProvisioningParts,
): NewHarness {
  const functions = toInlineFunctions(agent);
  const { systemPrompt, model } = overridesOf(agent, overrides);
  const { tools, allowedTools, tags } = settings;
  const others: unknown[] = Array.isArray(tools) ? tools : [];
  const allowed = Array.isArray(allowedTools) ? allowedTools.map(String) : undefined;
  return {
    ...settings,
    harnessName,
    ...(systemPrompt !== undefined && { systemPrompt }),
    ...(model !== undefined && { model }),
    tools: [...others, ...functions],
    ...admitting(allowed, functions),
    // So that a look at the account tells whose it is; the name has the beginning of the digest alone.
    tags: { ...(typeof tags === "object" && tags), "loophost:digest": digest },
  };
}

function idsOf({ harnessId, arn }: HarnessRecord): Record<"harnessId" | "harnessArn", string> {
  return { harnessId, harnessArn: arn };
}

function toResource(harness: HarnessRecord): Resource {
  const createdAtMs = Date.parse(String(harness["createdAt"]));
  return { kind: "agent", name: harness.harnessName, ids: idsOf(harness), createdAtMs };
}
