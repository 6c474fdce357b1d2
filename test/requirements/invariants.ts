// What holds everywhere, whatever breaks.

import type { Requirement } from "./requirement.ts";

export const invariants: readonly Requirement[] = [
  {
    id: "I1",
    says: "A session attaches to the host's stream first, then reads the whole history, then drops what came twice; history and live events take the same path.",
    from: "invariants",
    status: "built",
  },
  {
    id: "I2",
    says: "A tool call runs at most once per journal, by its id; what was answered and journalled decides, never what was seen.",
    from: "invariants",
    status: "built",
  },
  {
    id: "I3",
    says: "A tool's result is in the journal before it is posted; a post that failed is posted again without running the tool again.",
    from: "invariants",
    status: "built",
  },
  {
    id: "I4",
    says: "A call found started without a result follows its tool's ifCrashed policy: fail says so to the model, rerun keeps the idempotency key, ask waits for an approval, a probe finds out.",
    from: "invariants",
    status: "built",
  },
  {
    id: "I5",
    says: "When the reply to a post is lost, we look whether the host has it; an answer that is already there counts as success.",
    from: "invariants",
    status: "built",
  },
  {
    id: "I6",
    says: "A session has one owner, by a lease with a fencing number; what a stale owner writes is refused.",
    from: "invariants",
    status: "built",
  },
  {
    id: "I7",
    says: "A run ends only with a typed terminal or a typed error: neither idleness, nor the end of a stream, nor silence is an end.",
    from: "invariants",
    status: "built",
  },
  {
    id: "I8",
    says: "Events are read while tools run; tools run in parallel up to a limit, and a deadline returns even when a tool ignores its signal.",
    from: "invariants",
    status: "built",
  },
  {
    id: "I9",
    says: "A permission or verdict we do not know is a refusal; an event we do not know is passed on.",
    from: "invariants",
    status: "built",
  },
  {
    id: "I10",
    says: "Every buffer has a bound, no cost grows with the square of anything, and a finished session keeps nothing.",
    from: "invariants",
    status: "built",
  },
  {
    id: "I11",
    says: "No secret appears in an error, log, event or inspected object, and no stack trace or local path reaches the model.",
    from: "invariants",
    status: "built",
  },
  {
    id: "I12",
    says: "Every async iterable and every promise settles on end, error, abort and an early break.",
    from: "invariants",
    status: "built",
  },
];
