// The releases of the official SDK that drive the embedded host, unmodified, and what is particular about each.

import { Anthropic } from "@anthropic-ai/sdk";
import { Anthropic as Anthropic0115 } from "@anthropic-ai/sdk-0.115";
import { accumulateManagedAgentsEvent as accumulate0115 } from "@anthropic-ai/sdk-0.115/lib/sessions/accumulate";
import { Anthropic as Anthropic0137 } from "@anthropic-ai/sdk-0.137";
import { accumulateManagedAgentsEvent as accumulate0137 } from "@anthropic-ai/sdk-0.137/lib/sessions/accumulate";
import { Anthropic as Anthropic10 } from "@anthropic-ai/sdk-1.0";
import { accumulateManagedAgentsEvent as accumulate10 } from "@anthropic-ai/sdk-1.0/lib/sessions/accumulate";
import { accumulateManagedAgentsEvent } from "@anthropic-ai/sdk/lib/sessions/accumulate";

type Accumulate = typeof accumulateManagedAgentsEvent;

/** A release. To the compiler each is the newest one: what an older one lacks is said here, not by its types. */
export interface Release {
  readonly version: string;
  readonly Anthropic: typeof Anthropic;
  /** Its helper that puts a message together from its deltas. */
  readonly accumulate: Accumulate;
  /** The header it sends the key in. */
  readonly keyHeader: "authorization" | "x-api-key";
  /** Event names it does not know, and drops. */
  readonly drops: readonly string[];
}

/** All of them, newest first. */
export const RELEASES: readonly Release[] = [
  {
    version: "1.11.0",
    Anthropic,
    accumulate: accumulateManagedAgentsEvent,
    keyHeader: "authorization",
    drops: [],
  },
  {
    version: "1.0.0",
    Anthropic: Anthropic10 as unknown as typeof Anthropic,
    accumulate: accumulate10,
    keyHeader: "authorization",
    drops: [],
  },
  {
    version: "0.137.0",
    Anthropic: Anthropic0137 as unknown as typeof Anthropic,
    accumulate: accumulate0137,
    keyHeader: "x-api-key",
    drops: [],
  },
  {
    version: "0.115.0",
    Anthropic: Anthropic0115 as unknown as typeof Anthropic,
    accumulate: accumulate0115 as Accumulate,
    keyHeader: "x-api-key",
    drops: [
      "session.usage",
      "workflow_run.created",
      "workflow_run.status_running",
      "workflow_run.status_idle",
      "workflow_run.status_ended",
      "workflow_run.error",
      "workflow_run.phase_started",
      "workflow_run.phase_ended",
    ],
  },
];
