/** What every contender for the host is set up with, and gives. */

import type { Script } from "../script.ts";
import type { Orders } from "../task.ts";

/** What a contender is set up with. */
export interface HostedSetting {
  readonly url: string;
  readonly script: Script;
}

/** Holds one session, from its creation to its end, and gives what the tool counted. */
export type HoldSession = () => Promise<Orders>;
