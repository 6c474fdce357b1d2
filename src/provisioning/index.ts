/** Set up once, run anywhere: agents and environments made ahead of sessions, found again by what defines them. */

export type { Environment } from "./environment.ts";
export { bootstrapOf, withRuntimes } from "./environment.ts";
export type { HandleOptions, ProvisionOptions, RecordsOf } from "./options.ts";
export { ensureAgent, ensureEnvironment, provision } from "./provision.ts";
export type { Bootstrap, Runtime } from "./runtimes.ts";
export type { Tag, TagOptions } from "./tags.ts";
export { removeTag, resolveTag, setTag } from "./tags.ts";
export { teardown } from "./teardown.ts";
export type { Pruned, PruneOptions, Version, VersionOptions } from "./versions.ts";
export { listVersions, pruneVersions } from "./versions.ts";
