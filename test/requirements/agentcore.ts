// What a host that hands calls off within its own sessions asks of its client: AgentCore.

import type { Requirement } from "./requirement.ts";

export const agentcore: readonly Requirement[] = [
  {
    id: "A-053",
    says: "Opening a session sends no request; a session id given wins over a new one.",
    from: "parity A-053",
    status: "built",
  },
  {
    id: "A-054",
    says: "Credentials are asked for only when a request is made; an injected client brings its own.",
    from: "parity A-054",
    status: "built",
  },
  {
    id: "A-055",
    says: "Session ids have 33 to 100 characters and are checked before anything is sent.",
    from: "parity A-055",
    status: "built",
  },
  {
    id: "A-056",
    says: "A message is one user message; an answer is one user message with the one result that is waited for, behind the message that called.",
    from: "parity A-056",
    status: "built",
  },
  {
    id: "A-057",
    says: "Stop reasons become endings; unknown ones end the turn as terminated, the word kept.",
    from: "parity A-057",
    status: "built",
  },
  {
    id: "A-058",
    says: "A turn is tried again on any error.",
    from: "parity A-058",
    status: "otherwise",
    why: "A blind repeat runs the agent twice: only what certainly did not run is sent again.",
  },
  {
    id: "A-059",
    says: "A reply that is cut off is an error and never a success.",
    from: "parity A-059",
    status: "built",
  },
  {
    id: "A-060",
    says: "An error in the stream is never tried again, and is typed.",
    from: "parity A-060",
    status: "built",
  },
  {
    id: "A-061",
    says: "Events of attempts that were given up are told too.",
    from: "parity A-061",
    status: "otherwise",
    why: "No attempt is given up for another once its reply has begun, so every event is told once.",
  },
  {
    id: "A-062",
    says: "Limits of one invocation and the model can be given; what is left out is the harness's.",
    from: "parity A-062",
    status: "built",
  },
  {
    id: "A-063",
    says: "No clock runs on a turn; only silence fails it.",
    from: "parity A-063",
    status: "pending",
  },
  {
    id: "A-064",
    says: "Calls of the host's own tools are an empty list.",
    from: "parity A-064",
    status: "otherwise",
    why: "They are seen: their calls and results are in the stream, and are told.",
  },
  {
    id: "A-065",
    says: "Usage comes from the metadata events, and is summed.",
    from: "parity A-065",
    status: "built",
  },
  {
    id: "A-067",
    says: "Outcomes are refused.",
    from: "parity A-067",
    status: "built",
  },
  {
    id: "A-072",
    says: "An invocation goes to the harness by its ARN, with session, user and overrides where the service wants them.",
    from: "parity A-072",
    status: "pending",
  },
  {
    id: "A-078",
    says: "A reply split anywhere reads the same.",
    from: "parity A-078",
    status: "built",
  },
  {
    id: "A-079",
    says: "Frames are checked by both checksums; raw events are named by their type.",
    from: "parity A-079",
    status: "built",
  },
  {
    id: "A-080",
    says: "Frames that fail their checksum are dropped.",
    from: "parity A-080",
    status: "otherwise",
    why: "They are an error: a dropped frame may be the call of a tool, or the end of the turn.",
  },
  {
    id: "A-081",
    says: "Calls are known by their id, not by the index of their block.",
    from: "parity A-081",
    status: "built",
  },
  {
    id: "A-082",
    says: "Input that cannot be read is an empty object.",
    from: "parity A-082",
    status: "otherwise",
    why: "The model is told that it could not be read, and mends it; only the same call opened twice is one.",
  },
  {
    id: "A-083",
    says: "Tools are inline functions with a bare JSON Schema.",
    from: "parity A-083",
    status: "built",
  },
  {
    id: "A-085",
    says: "The AWS packages are optional peers; without them one error says what to install.",
    from: "parity A-085",
    status: "pending",
  },
];
