/**
 * The part of the provider port that makes agents and environments ahead of sessions.
 *
 * Names are content-addressed: a resource's name holds a digest of its definition, so the same definition finds the
 * same resource from any machine, and a changed one makes another beside the old one. Names, caches and rollback are
 * decided in `loophost/provisioning`; a provider makes, finds, lists and releases.
 */

import type { Agent } from "./agent.ts";
import { canonical, digestOf } from "./digest.ts";
import { LoophostError } from "./errors.ts";
import type { JsonObject } from "./json.ts";

/** What can be provisioned. */
export type ResourceKind = "agent" | "environment";

/** What was provisioned: plain JSON, to keep anywhere and to give as `provisioned` to `run` and `openSession`. */
export interface ProvisionHandle extends JsonObject {
  /** The name of the provider that made it; no other takes it. */
  readonly provider: string;
  /** The agent's name at the host. */
  readonly name: string;
  /** SHA-256, as hex, over what defines the agent, or an environment made alone; its first eight digits end the name. */
  readonly digest: string;
}

/** A resource at the host. */
export interface Resource {
  readonly kind: ResourceKind;
  /** Its name at the host. */
  readonly name: string;
  /** The host's ids of it, under the names they have in a handle: `{ agentId }`. */
  readonly ids: Readonly<Record<string, string>>;
  /** When it was made, in milliseconds since 1970. */
  readonly createdAtMs: number;
}

/** What a provider can make ahead of sessions. Its functions keep their own requests within deadlines, and repeat what may be repeated. */
export interface Provisioning {
  /** What is made, in this order. None where there is nothing to set up; without "environment" one is a part of the agent. */
  readonly kinds: readonly ResourceKind[];
  readonly names: NameRules;
  /** What the ids of each kind are called in a handle: `{ agent: ["agentId"] }`. */
  readonly ids: { readonly [Kind in ResourceKind]?: readonly string[] };
  /** What of the provider's own options goes into what is made of a kind, as something JSON can say. Part of its digest. */
  settings(kind: ResourceKind): unknown;
  /**
   * Identifies the host and account, in any words: what was made in one is not looked for in another. Only a hash of it
   * is stored.
   *
   * @throws LoophostError such as `missing_credentials`
   */
  scope(): string;
  /**
   * Contract: resolves with the live resource of that name, made now or found; the name stands for the definition, so whoever
   * finds it taken uses it. When several make one at once, all resolve with the same. Rejects with a LoophostError, having
   * released what it made.
   */
  ensure(request: EnsureRequest): Promise<Ensured>;
  /**
   * Contract: resolves when the resource of these ids is deleted, or its deletion has begun. Idempotent: one that does
   * not exist is a success.
   */
  release(kind: ResourceKind, ids: JsonObject, signal: AbortSignal): Promise<void>;
  /** Contract: every live resource of a kind, over all pages, in any order. */
  list(kind: ResourceKind, signal: AbortSignal): AsyncIterable<Resource>;
}

/** What is to be made. */
export interface EnsureRequest {
  readonly kind: ResourceKind;
  /** Within the host's rules, and the same for the same definition. */
  readonly name: string;
  /** The whole SHA-256; the name ends with its first digits. */
  readonly digest: string;
  /** The agent, with every tool it runs with. */
  readonly agent: Agent | undefined;
  /** The host's own description of the environment, to be passed on untouched; undefined for the default. */
  readonly environment: JsonObject | undefined;
  /** Hosts the environment must reach: allow them where its description limits the network (egress). */
  readonly hosts: readonly string[];
  /** Milliseconds it may take; past it the signal is aborted with `provision_timeout`. */
  readonly timeoutMs: number;
  readonly onProgress: (progress: ProvisionProgress) => void;
  readonly signal: AbortSignal;
}

/** Progress of provisioning, where a host takes minutes. */
export interface ProvisionProgress {
  readonly kind: ResourceKind;
  readonly name: string;
  /** What is going on, in the host's word where it has one: "making", "CREATING", "rollback". */
  readonly phase: string;
  /** Milliseconds since it began. */
  readonly elapsedMs: number;
}

/** A resource that is there now. */
export interface Ensured {
  readonly ids: Readonly<Record<string, string>>;
  /** Whether this call made it: a rollback releases only such resources, since others may be in use. */
  readonly isNew: boolean;
}

/** What a host takes for a name. */
export interface NameRules {
  /** Bytes of UTF-8 a name may have, at most. */
  readonly maxBytes: number;
  /** Whether anything but letters, digits and underscores is replaced by an underscore, and a letter put in front. */
  readonly isPlain: boolean;
}

/** Hex digits of a digest that are in a name. */
const DIGEST_CHARS = 8;
const HASH_CHARS = 6;

/**
 * Composes the name of a resource: a base, and the beginning of the digest. A base that is too long is cut at a character and gets a hash of the whole, so
 * that two bases that begin alike do not become one name; the digest is never cut.
 *
 * @throws LoophostError `invalid_options` for rules under which no name fits
 */
export async function resourceName(base: string, digest: string, rules: NameRules): Promise<string> {
  return `${await fittedBase(base, rules)}_${digest.slice(0, DIGEST_CHARS)}`;
}

/** The part of a name in front of its digest, the underscore between them left out. */
async function fittedBase(base: string, { maxBytes, isPlain }: NameRules): Promise<string> {
  const least = 1 + 1 + HASH_CHARS + 1 + DIGEST_CHARS;
  if (!(maxBytes >= least))
    throw new LoophostError(
      "invalid_options",
      `Names of at most ${maxBytes} bytes are too short: ${least} is the least.`,
    );
  const whole = isPlain ? plain(base) : base;
  const room = maxBytes - 1 - DIGEST_CHARS;
  if (byteLength(whole) <= room) return whole;
  const hash = (await digestOf(whole)).slice(0, HASH_CHARS);
  return `${cut(whole, room - 1 - HASH_CHARS)}_${hash}`;
}

/** The digest in a name that was composed of a base, or undefined when it was not. */
export async function digestIn(name: string, base: string, rules: NameRules): Promise<string | undefined> {
  const start = `${await fittedBase(base, rules)}_`;
  const rest = name.startsWith(start) ? name.slice(start.length) : "";
  return /^[0-9a-f]{8}$/.test(rest) ? rest : undefined;
}

function plain(base: string): string {
  const replaced = base.replace(/[^A-Za-z0-9_]/gu, "_");
  return /^[A-Za-z]/.test(replaced) ? replaced : `a${replaced}`;
}

/** As many whole characters as fit. */
function cut(text: string, maxBytes: number): string {
  let bytes = 0;
  let kept = "";
  for (const character of text) {
    bytes += byteLength(character);
    if (bytes > maxBytes) break;
    kept += character;
  }
  return kept;
}

function byteLength(text: string): number {
  return new TextEncoder().encode(text).length;
}

/**
 * The digest of an agent: instructions, model, tools, terminal tool, and the provider's own settings. Its name is not in it,
 * nor what only this side knows: what tools do, limits.
 */
export function agentDigest(agent: Agent, settings: unknown): Promise<string> {
  const { instructions, model, terminalTool } = agent;
  const tools = agent.tools.map(({ name, description, schema }) => ({
    name,
    description,
    schema: schema.jsonSchema,
  }));
  const definition = { instructions, model, tools, terminalTool: terminalTool?.name, settings };
  return digestOf(canonical(definition, `Agent "${agent.name}"`));
}
