/** Files of a session by name: what it was given to work with, and what it made. */

export type { ArtifactOptions, Artifacts, ArtifactsOptions, GetOptions } from "./artifacts.ts";
export { artifacts } from "./artifacts.ts";
export type { ArtifactContent } from "./content.ts";
export type { FetchedArtifact } from "./fetched.ts";
