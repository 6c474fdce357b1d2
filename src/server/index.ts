/** The embedded loop host: names listed one by one. */

export type { EmbeddedHost, EmbeddedHostOptions } from "./embedded-host.ts";
export { embeddedHost } from "./embedded-host.ts";
export type { Listening } from "./http/listen.ts";
