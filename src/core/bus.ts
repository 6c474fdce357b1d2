/** The bus port: best-effort messages between processes, in addition to the journal. A lost message costs latency, never data. */

import type { Json } from "./json.ts";

/** Carries short messages about sessions to whoever listens. It may lose them, and may repeat them. */
export interface Bus {
  /** Broadcasts a message about a session. Never throws, and never waits. */
  say(id: string, what: Json): void;
  /** Calls back with what is said about a session, until the returned function is called. */
  listen(id: string, hear: (what: Json) => void): () => void;
  /** Releases connections and timers. */
  close(): Promise<void>;
}
