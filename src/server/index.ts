/** The embedded loop host: names listed one by one. */

export type { EmbeddedHost } from "./embedded-host.ts";
export { embeddedHost } from "./embedded-host.ts";
export type { Listening } from "./http/listen.ts";
export type { EmbeddedHostOptions, FailedIn, ListenOptions, RequestLine } from "./options.ts";
