// Behaviour of the loop over the Messages API.

import type { Requirement } from "./requirement.ts";

export const messagesLoop: readonly Requirement[] = [
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
    id: "L-05",
    says: "A guard that throws halts the run instead of crashing it.",
    from: "parity L-05",
    status: "built",
  },
  {
    id: "L-29",
    says: "A post whose reply was lost is looked up, not repeated.",
    from: "parity L-29",
    status: "built",
  },
  {
    id: "L-37",
    says: "An environment variable set to nothing counts as not set.",
    from: "parity L-37",
    status: "built",
  },
  {
    id: "L-17",
    says: "A turn of repeated calls only goes on by itself, with nothing to run.",
    from: "parity L-17",
    status: "built",
  },
  {
    id: "L-35",
    says: "A call that failed may be tried again with the same arguments.",
    from: "parity L-35",
    status: "built",
  },
  {
    id: "L-44",
    says: "Retry-After in seconds, milliseconds or as a date is heeded, up to a bound.",
    from: "parity L-44",
    status: "built",
  },
  {
    id: "L-50",
    says: "An unfinished turn is continued; a refusal and a token limit are endings of their own.",
    from: "parity L-50",
    status: "built",
  },
  {
    id: "L-51",
    says: "Citations and search results survive the echo of history.",
    from: "parity L-51",
    status: "built",
  },
  {
    id: "L-28",
    says: "Lists of the control plane are read to their last page.",
    from: "parity L-28",
    status: "built",
  },
];
