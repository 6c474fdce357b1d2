/** The versions of an agent or an environment at the host, and letting go of old ones. */

import { contained } from "../core/async/contained.ts";
import type { Checks } from "../core/check-options.ts";
import { BOOLEAN, checkOptions, FUNCTION, must, oneOf, SIGNAL } from "../core/check-options.ts";
import { systemClock } from "../core/clock.ts";
import { LoophostError, messageOf } from "../core/errors.ts";
import type { Provider } from "../core/provider.ts";
import type { Resource, ResourceKind } from "../core/provisioning.ts";
import { digestIn } from "../core/provisioning.ts";
import { provisioningOf } from "./handle.ts";
import type { RecordsOf } from "./options.ts";
import { STORE } from "./options.ts";
import { placeOf } from "./provision.ts";
import { forget } from "./remembered.ts";
import type { KeptTag as Tag } from "./tags.ts";
import { tagPrefix, tagsOf } from "./tags.ts";
import { within } from "./within.ts";

/** Which versions to list. */
export interface VersionOptions {
  /** Where tags are kept. Default: none are shown. */
  readonly store?: RecordsOf | undefined;
  /** Default "agent". */
  readonly kind?: ResourceKind | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A version at the host. */
export interface Version extends Resource {
  /** The eight digits at the end of its name. */
  readonly digest: string;
  readonly tags: readonly string[];
}

/** Which versions to prune. */
export interface PruneOptions extends VersionOptions {
  /** Where tags are kept: a version with a tag is never pruned. */
  readonly store: RecordsOf;
  /** How many of the newest stay, tagged or not; at least 1. */
  readonly keep: number;
  /** Only tells what would go. Default false. */
  readonly dryRun?: boolean | undefined;
  /** Told of each version that went. What it throws is ignored. */
  readonly onPruned?: ((version: Version) => void) | undefined;
}

/** What pruning came to. */
export interface Pruned {
  /** What went, or would go; the oldest first. */
  readonly pruned: readonly Version[];
  /** What stays; the newest first. */
  readonly kept: readonly Version[];
}

const LIST_MS = 300_000;
const RELEASE_MS = 300_000;

const VERSIONS: Checks<VersionOptions> = {
  store: STORE,
  kind: oneOf("agent", "environment"),
  signal: SIGNAL,
};
const PRUNE: Checks<PruneOptions> = {
  ...VERSIONS,
  keep: must("a whole number of at least 1", (value) => Number.isSafeInteger(value) && Number(value) >= 1),
  dryRun: BOOLEAN,
  onPruned: FUNCTION,
};

/**
 * Lists the live versions of a name at the host, the newest first: what is named exactly that, and a digest.
 *
 * @throws LoophostError what the host says; `store_failed`
 */
export async function listVersions(
  provider: Provider,
  base: string,
  options: VersionOptions = {},
): Promise<readonly Version[]> {
  checkOptions("listVersions()", options, VERSIONS);
  return findVersions("listVersions()", provider, base, options);
}

/**
 * Releases all versions of a name but the newest, and those with a tag; the oldest go first, so that what fails in between
 * leaves the newest history.
 *
 * @throws LoophostError `invalid_options` without `keep` or `store`; `provision_failed` when one could not be released, with
 *   those that went by then; nothing is pruned when the tags cannot be read
 */
export async function pruneVersions(
  provider: Provider,
  base: string,
  options: PruneOptions,
): Promise<Pruned> {
  const owner = "pruneVersions()";
  checkOptions(owner, options, PRUNE, ["keep", "store"]);
  const { keep, dryRun = false, store, kind = "agent", signal, onPruned } = options;
  const versions = await findVersions(owner, provider, base, options);
  const kept = versions.filter(({ tags }, index) => index < keep || tags.length > 0);
  const going = versions.filter((version) => !kept.includes(version)).toReversed();
  if (dryRun) return { pruned: going, kept };
  const part = provisioningOf(owner, provider);
  const place = await placeOf(provider, part);
  const pruned: Version[] = [];
  for (const version of going) {
    try {
      // Somebody may have set a tag since.
      const tags = await tagsOf(store.records, `${place}/`);
      if (tags.some((tag) => pointsAt(tag, version, tagPrefix(place, kind, base)))) {
        kept.push(version);
        continue;
      }
      const late = new LoophostError("provision_timeout", `It was not released within ${RELEASE_MS} ms.`);
      await within({ clock: systemClock, ms: RELEASE_MS, late, signal }, (stop) =>
        part.release(kind, version.ids, stop),
      );
      const ids = Object.entries(version.ids);
      await forget({ provider, store }, (handle) => ids.every(([name, id]) => handle[name] === id));
    } catch (thrown) {
      throw new LoophostError(
        "provision_failed",
        `${version.name} could not be pruned: ${messageOf(thrown)}. ${went(pruned)}`,
        { cause: thrown },
      );
    }
    pruned.push(version);
    contained(() => onPruned?.(version));
  }
  return { pruned, kept };
}

/**
 * Whether a tag points at a version: at its digest, or by a handle that names it. An environment is in the handle of its agent,
 * whose tag keeps it: without it the tagged agent could not be run any more.
 */
function pointsAt(tag: Tag, version: Omit<Version, "tags">, ownPrefix: string): boolean {
  if (tag.key.startsWith(ownPrefix) && tag.digest === version.digest) return true;
  const ids = Object.entries(version.ids);
  return ids.length > 0 && ids.every(([name, id]) => tag.handle[name] === id);
}

function went(pruned: readonly Version[]): string {
  if (pruned.length === 0) return "Nothing was pruned before it.";
  return `Before it went ${pruned.map(({ name }) => name).join(", ")}.`;
}

async function findVersions(
  owner: string,
  provider: Provider,
  base: string,
  { store, kind = "agent", signal }: VersionOptions,
): Promise<Version[]> {
  if (typeof base !== "string" || base === "")
    throw new LoophostError("invalid_options", `${owner} needs the name of an agent or an environment.`);
  const part = provisioningOf(owner, provider);
  if (!part.kinds.includes(kind)) return [];
  const place = await placeOf(provider, part);
  const tags = store === undefined ? [] : await tagsOf(store.records, `${place}/`);
  const late = new LoophostError(
    "provision_timeout",
    `${owner}: the list was not there within ${LIST_MS} ms.`,
  );
  const all = await within({ clock: systemClock, ms: LIST_MS, late, signal }, (stop) =>
    Array.fromAsync(part.list(kind, stop)),
  );
  const versions: Version[] = [];
  for (const resource of all) {
    const digest = await digestIn(resource.name, base, part.names);
    if (digest === undefined) continue;
    const version = { ...resource, digest };
    const pointing = tags.filter((tag) => pointsAt(tag, version, tagPrefix(place, kind, base)));
    versions.push({
      ...version,
      tags: pointing.map((tag) => (tag.base === base ? tag.tag : `${tag.base}:${tag.tag}`)),
    });
  }
  return versions.toSorted((a, b) => b.createdAtMs - a.createdAtMs || (a.name < b.name ? -1 : 1));
}
