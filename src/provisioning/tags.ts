/**
 * Tags: movable names for one version of an agent or an environment, `sales:prod`. A version is what has one base and one digest;
 * a tag points at its handle, and at nothing else: what it does not know it does not guess.
 */

import { checkOptions, isString, oneOf } from "../core/check-options.ts";
import type { Checks } from "../core/check-options.ts";
import { LoophostError } from "../core/errors.ts";
import { checkHandle } from "../core/handle.ts";
import { isObject } from "../core/json.ts";
import type { Provider } from "../core/provider.ts";
import type { ProvisionHandle, ResourceKind } from "../core/provisioning.ts";
import { digestIn } from "../core/provisioning.ts";
import type { RecordStore } from "../core/store.ts";
import { provisioningOf } from "./handle.ts";
import type { RecordsOf } from "./options.ts";
import { STORE } from "./options.ts";
import { placeOf } from "./provision.ts";
import { allRecords, PROVISIONS, TAGS } from "./remembered.ts";

/** Where tags are kept, and of what. */
export interface TagOptions {
  readonly store: RecordsOf;
  /** Default "agent". */
  readonly kind?: ResourceKind | undefined;
}

/** A tag and what it points at. */
export interface Tag {
  readonly base: string;
  readonly tag: string;
  /** The eight digits at the end of the version's name. */
  readonly digest: string;
  readonly handle: ProvisionHandle;
}

const TAG_OPTIONS: Checks<TagOptions> = { store: STORE, kind: oneOf("agent", "environment") };

/**
 * Points a tag at a version, wherever it pointed before.
 *
 * @param ref `name:tag`; the name is the agent's, or the environment's; a tag has letters, digits, dots, dashes and underscores
 * @param version a handle, or the digest of one that was provisioned with this store, whole or from its first eight digits on, as
 *   they end the version's name
 * @throws LoophostError `invalid_options` for a ref that is none, or a version of another name; `provision_failed` for a digest
 *   of no version in the store; `store_failed`
 */
export async function setTag(
  provider: Provider,
  ref: string,
  version: ProvisionHandle | string,
  options: TagOptions,
): Promise<Tag> {
  const owner = "setTag()";
  const where = await placeFor(owner, provider, ref, options);
  const { base, tag, key, records, part } = where;
  const handle = typeof version === "string" ? await findVersion(where, version) : version;
  checkHandle(owner, { provider: provider.name, ...part }, handle);
  const digest = await digestIn(handle.name, base, part.names);
  if (digest === undefined)
    throw new LoophostError("invalid_options", `${owner}: ${handle.name} is no version of "${base}".`);
  await records.put(TAGS, key, { base, tag, digest, handle });
  return { base, tag, digest, handle };
}

/**
 * The handle a tag points at; it never falls back to another.
 *
 * @throws LoophostError `provision_failed` for a tag that is not set; `invalid_options` for a ref that is none; `store_failed`
 */
export async function resolveTag(
  provider: Provider,
  ref: string,
  options: TagOptions,
): Promise<ProvisionHandle> {
  const { base, tag, key, prefix, records } = await placeFor("resolveTag()", provider, ref, options);
  const found = await records.get(TAGS, key);
  if (found !== undefined) return toTag(key, found).handle;
  const others = (await tagsOf(records, prefix)).map((one) => one.tag);
  const known = others.length === 0 ? "It has none." : `It has ${others.slice(0, 20).join(", ")}.`;
  throw new LoophostError("provision_failed", `"${base}" has no tag "${tag}". ${known}`);
}

/**
 * Takes a tag away; one that is not set is fine. The version stays.
 *
 * @throws LoophostError `invalid_options` for a ref that is none; `store_failed`
 */
export async function removeTag(provider: Provider, ref: string, options: TagOptions): Promise<void> {
  const { key, records } = await placeFor("removeTag()", provider, ref, options);
  await records.delete(TAGS, key);
}

/** A tag, and the key it is kept under. */
export interface KeptTag extends Tag {
  readonly key: string;
}

/** All tags whose keys begin so: of one base, or of one place at a host. */
export async function tagsOf(records: RecordStore, prefix: string): Promise<readonly KeptTag[]> {
  const tags: KeptTag[] = [];
  for await (const { key, value } of allRecords(records, TAGS, prefix)) {
    tags.push({ ...toTag(key, value), key });
  }
  return tags;
}

/** What the keys of a base's tags begin with. The base is written so that none can look like the beginning of another. */
export function tagPrefix(place: string, kind: ResourceKind, base: string): string {
  return `${place}/${kind}/${encodeURIComponent(base.toWellFormed())}/`;
}

async function placeFor(owner: string, provider: Provider, ref: string, options: TagOptions) {
  const part = provisioningOf(owner, provider);
  checkOptions(owner, options, TAG_OPTIONS, ["store"]);
  // The last colon: a name may have some, a tag has none.
  const [, base, tag] = (typeof ref === "string" && /^(.+):([A-Za-z0-9._-]{1,64})$/s.exec(ref)) || [];
  if (base === undefined || tag === undefined)
    throw new LoophostError(
      "invalid_options",
      `${owner} takes "name:tag"; a tag has up to 64 letters, digits, ".", "-" and "_".`,
    );
  const { kind = "agent" } = options;
  const place = await placeOf(provider, part);
  const prefix = tagPrefix(place, kind, base);
  const { records } = options.store;
  return { base, tag, kind, place, prefix, key: `${prefix}${tag}`, records, part };
}

async function findVersion(
  { base, kind, place, records, part }: Awaited<ReturnType<typeof placeFor>>,
  digest: string,
): Promise<unknown> {
  if (!/^[0-9a-f]{8,64}$/.test(digest))
    throw new LoophostError(
      "invalid_options",
      `setTag() takes a handle, or eight and more digits of a version's digest; got ${JSON.stringify(digest.slice(0, 80))}.`,
    );
  for await (const { value } of allRecords(records, PROVISIONS, "")) {
    if (!isObject(value) || value["place"] !== place || value["kind"] !== kind || value["base"] !== base)
      continue;
    const { handle } = value;
    const { name, digest: whole } = isObject(handle) ? handle : {};
    if (!isString(name) || !isString(whole) || !whole.startsWith(digest)) continue;
    if ((await digestIn(name, base, part.names)) !== undefined) return handle;
  }
  throw new LoophostError(
    "provision_failed",
    `The store knows no version ${JSON.stringify(digest)} of "${base}".`,
  );
}

/** What is kept as a tag. One that cannot be read is no missing tag: pruning would take what it protects. */
function toTag(key: string, value: unknown): Tag {
  const { base, tag, digest, handle } = isObject(value) ? value : {};
  const isSound =
    typeof base === "string" &&
    typeof tag === "string" &&
    typeof digest === "string" &&
    /^[0-9a-f]{8}$/.test(digest) &&
    isObject(handle) &&
    typeof handle["name"] === "string";
  if (!isSound)
    throw new LoophostError(
      "store_damaged",
      `The tag kept as ${key} is not what was written. Set it anew with setTag(), or take it away with removeTag().`,
    );
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a parse boundary: only setTag() writes to the collection
  return { base, tag, digest, handle: handle as ProvisionHandle };
}
