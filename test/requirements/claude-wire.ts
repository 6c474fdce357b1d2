// What the wire of Claude Managed Agents asks of its client and of the embedded host.

import type { Requirement } from "./requirement.ts";

export const claudeWire: readonly Requirement[] = [
  {
    id: "S7-1",
    says: "The host takes its key as Bearer or as x-api-key.",
    from: "claude wire, server rules",
    status: "built",
  },
  {
    id: "S7-2",
    says: "Stream frames carry a name, a number and one line of data, with pings between, and go on from Last-Event-ID.",
    from: "claude wire, server rules",
    status: "built",
  },
  {
    id: "S7-3",
    says: "Listing and stream show the same events, with the same ids, in the same order.",
    from: "claude wire, server rules",
    status: "built",
  },
  {
    id: "S7-4",
    says: "A post is taken whole or not at all, answered with its stored events, and then worked on.",
    from: "claude wire, server rules",
    status: "built",
  },
  {
    id: "S7-5",
    says: "While calls wait, messages and wrong or repeated results are refused; a partial answer asks for the rest, early full answers owe no idle.",
    from: "claude wire, server rules",
    status: "built",
  },
  {
    id: "S7-6",
    says: "Usage comes right before each idle, and the status is saved before it is told.",
    from: "claude wire, server rules",
    status: "built",
  },
  {
    id: "S7-7",
    says: "An interrupt closes waiting calls, ends the turn, then queued messages are taken.",
    from: "claude wire, server rules",
    status: "built",
  },
  {
    id: "S7-8",
    says: "A running session is neither archived nor deleted; a deleted one ends its streams and is gone.",
    from: "claude wire, server rules",
    status: "built",
  },
  {
    id: "S7-9",
    says: "Replies spell out every nullable field and toolset default.",
    from: "claude wire, server rules",
    status: "built",
  },
  {
    id: "S7-10",
    says: "Every refusal has the wire's body and a request id; a conflict is not retried by itself.",
    from: "claude wire, server rules",
    status: "built",
  },
  {
    id: "S7-11",
    says: "A post repeated under its Idempotency-Key gets the first reply and does nothing again.",
    from: "claude wire, server rules",
    status: "built",
  },
  {
    id: "S7-deltas",
    says: "Previews go only to streams that asked, under the id of the whole event.",
    from: "claude wire, server rules",
    status: "built",
  },
  {
    id: "S7-sdk",
    says: 'Four releases of the official SDK, from 0.115 to 1.11, drive the embedded host unmodified; where one drops events by name, eventName: "message" delivers them.',
    from: "claude wire, sections 0 and 2.7",
    status: "built",
  },
  {
    id: "S7-runner",
    says: "The SDK's own tool runner runs the calls of a turn on the embedded host, each once.",
    from: "claude wire, section 4",
    status: "built",
  },
  {
    id: "S7-files",
    says: "Files and session resources are uploaded, paged, read and deleted by every tried release of the SDK.",
    from: "claude wire, sections 1.7 and 1.8",
    status: "built",
  },
  {
    id: "S7-worker",
    says: "The SDK's stock worker serves a self-hosted environment of the embedded host with a real bash call.",
    from: "claude wire, section 1.3",
    status: "built",
  },
  {
    id: "S7-permissions",
    says: "The embedded host asks about calls whose policy says so, and refuses those that were denied.",
    from: "claude wire, section 2.5",
    status: "built",
  },
  {
    id: "S7-restart",
    says: "A host killed at any moment is followed by one that goes on on the same store, with no event twice and no call lost.",
    from: "issue 5, the embedded host",
    status: "built",
  },
  {
    id: "S7-outcome",
    says: "Work towards an outcome is graded, gone over again, and ended by its verdict.",
    from: "claude wire, section 2.2",
    status: "built",
  },
  {
    id: "S7-budget",
    says: "A session with a budget stops at it, and goes on once it is raised or removed.",
    from: "claude wire, section 1.4",
    status: "built",
  },
  {
    id: "S7-system",
    says: "Instructions on the way reach the model; where they may not stand they are refused.",
    from: "claude wire, section 2.1",
    status: "built",
  },
];
