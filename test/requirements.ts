// What this project promises, one sentence each. A test cites an id in its title: it("… [I2]"). The reporter in
// support/requirements-reporter.ts fails a complete run when a promise said to be built has no passing test.

/** One promise and where it stands. */
export interface Requirement {
  readonly id: string;
  /** The promise itself, in a sentence a user could hold us to. */
  readonly says: string;
  /** Where the promise comes from: a document and section, or a host's own documentation. */
  readonly from: string;
  /** `built`: a passing test cites it. `pending`: not yet. `otherwise`: met in another way, told in `why`. */
  readonly status: "built" | "pending" | "otherwise";
  readonly why?: string;
}

export const requirements: readonly Requirement[] = [
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
    says: "A call found started without a result follows its tool's ifUnknown policy: fail says so to the model, rerun keeps the idempotency key, ask waits for an approval, a probe finds out.",
    from: "invariants",
    status: "pending",
  },
  {
    id: "I5",
    says: "When the reply to a post is lost, we look whether the host has it; an answer that is already there counts as success.",
    from: "invariants",
    status: "pending",
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
    status: "pending",
  },
  {
    id: "I11",
    says: "No secret appears in an error, log, event or inspected object, and no stack trace or local path reaches the model.",
    from: "invariants",
    status: "pending",
  },
  {
    id: "I12",
    says: "Every async iterable and every promise settles on end, error, abort and an early break.",
    from: "invariants",
    status: "built",
  },
  {
    id: "A-001",
    says: "One driver runs any provider; loop, events and result are the same for all.",
    from: "parity A-001",
    status: "built",
  },
  {
    id: "A-003",
    says: "A failure anywhere in a run comes back as one typed error from result() and from the iterator.",
    from: "parity A-003",
    status: "built",
  },
  {
    id: "A-004",
    says: "A run has a deadline; it counts from send, and no tool can hold it up.",
    from: "parity A-004",
    status: "built",
  },
  {
    id: "A-005",
    says: "A run stopped from this side tells the host to stop.",
    from: "parity A-005",
    status: "built",
  },
  {
    id: "A-006",
    says: "Options are checked before anything is sent.",
    from: "parity A-006",
    status: "built",
  },
  {
    id: "A-007",
    says: "What open() could not do reaches the caller as it is.",
    from: "parity A-007",
    status: "built",
  },
  {
    id: "A-013",
    says: "A host that waits for calls nobody saw is looked up in its history, then fails with a typed error; nothing empty is ever posted.",
    from: "parity A-013",
    status: "built",
  },
  { id: "A-014", says: "A recovered call is in the result once.", from: "parity A-014", status: "built" },
  {
    id: "A-020",
    says: "Tool calls run in parallel up to a limit; results that go back together are in call order.",
    from: "parity A-020",
    status: "built",
  },
  {
    id: "A-026",
    says: "A terminal is one of three values; the host's own stop reason is kept verbatim.",
    from: "parity A-026",
    status: "built",
  },
  {
    id: "A-039",
    says: "An ending that names unknown calls stays requires_action and is recovered.",
    from: "parity A-039",
    status: "built",
  },
  {
    id: "A-047",
    says: "Calls without an answer in the history are the pending ones; the same fold serves live events and reattach.",
    from: "parity A-047",
    status: "built",
  },
  {
    id: "A-130",
    says: "A call is executed once, however often it is delivered.",
    from: "parity A-130",
    status: "otherwise",
    why: "The ancestor ran a call again after a drop; here a journalled call is never run twice.",
  },
  {
    id: "A-147",
    says: "N turns are allowed, one more fails with max_turns_exceeded.",
    from: "parity A-147",
    status: "built",
  },
  {
    id: "A-153",
    says: "A raw event can be sent into a live session.",
    from: "parity A-153",
    status: "built",
  },
  { id: "A-155", says: "Attaching sends no message of its own.", from: "parity A-155", status: "built" },
  {
    id: "A-156",
    says: "Unanswered calls are run first; the prompt is not put into the unfinished turn.",
    from: "parity A-156",
    status: "built",
  },
  {
    id: "A-157",
    says: "The prompt is sent once the session is idle, with counters reset.",
    from: "parity A-157",
    status: "built",
  },
  {
    id: "A-158",
    says: "Attaching with nothing open and no prompt ends at once.",
    from: "parity A-158",
    status: "otherwise",
    why: "The ancestor waited for its timeout; with nothing to do there is nothing to wait for.",
  },
  {
    id: "A-161",
    says: "A result holds terminal, ending, stop reason, session id, text, tool uses, usage, turns, events and transcript.",
    from: "parity A-161",
    status: "built",
  },
  {
    id: "B-26",
    says: "Results are returned in call order whatever the order of completion.",
    from: "parity B-26",
    status: "built",
  },
  {
    id: "L-02",
    says: "A run with nothing to do never waits for its deadline.",
    from: "parity L-02",
    status: "built",
  },
  {
    id: "L-04",
    says: "A run that times out or is aborted interrupts the host.",
    from: "parity L-04",
    status: "built",
  },
  {
    id: "L-06",
    says: "A result that could not be posted is posted again; its tool is not run again.",
    from: "parity L-06",
    status: "built",
  },
  {
    id: "L-18",
    says: "A hung tool defeats neither its own deadline nor the run's.",
    from: "parity L-18",
    status: "built",
  },
  { id: "L-22", says: "A session holds one run at a time.", from: "parity L-22", status: "built" },
  {
    id: "L-23",
    says: "An observer that throws does not disturb the run.",
    from: "parity L-23",
    status: "built",
  },
  {
    id: "F4-turn-limit",
    says: "The turn limit gives a typed error with the partial result, and no call is left unanswered at the next message.",
    from: "faults, section 4",
    status: "built",
  },
  {
    id: "A-159",
    says: "All pages of a history are read before anything is decided from it.",
    from: "parity A-159",
    status: "built",
  },
  {
    id: "L-20",
    says: "The stream is opened before the history is read; unseen past events go the way of live ones.",
    from: "parity L-20",
    status: "built",
  },
  {
    id: "L-19",
    says: "A stream that ends without a terminal is opened again.",
    from: "parity L-19",
    status: "built",
  },
  {
    id: "A-123",
    says: "An event that comes twice is told once; one without an id always passes.",
    from: "parity A-123",
    status: "built",
  },
  {
    id: "A-126",
    says: "The wait before reconnecting grows until something new arrives, with jitter.",
    from: "parity A-126",
    status: "built",
  },
  {
    id: "A-117",
    says: "A stream that cannot be had any more fails the session with a typed error, and everything is released.",
    from: "parity A-117",
    status: "built",
  },
  {
    id: "A-144",
    says: "A turn guard is asked after each turn with the usage so far, and may halt the run with a reason.",
    from: "parity A-144",
    status: "built",
  },
  {
    id: "A-145",
    says: "The guard sees every turn, terminal and re-prompted ones too, and wins over the turn limit.",
    from: "parity A-145",
    status: "built",
  },
  {
    id: "A-146",
    says: "A guard that throws halts the run with a typed error.",
    from: "parity A-146",
    status: "otherwise",
    why: "The ancestor's session crashed.",
  },
  {
    id: "L-05",
    says: "A guard that throws halts the run instead of crashing it.",
    from: "parity L-05",
    status: "built",
  },
  {
    id: "A-148",
    says: "A run that would end without its terminal tool is sent back for it, a bounded number of times.",
    from: "parity A-148",
    status: "built",
  },
  {
    id: "A-149",
    says: "Re-prompted turns count; a call in any turn is enough; the allowance is new for each run.",
    from: "parity A-149",
    status: "built",
  },
  {
    id: "A-150",
    says: "Calling the terminal tool does not itself end the run.",
    from: "parity A-150",
    status: "built",
  },
];
