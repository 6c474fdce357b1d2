// Seen from outside: traces, metrics, logs, recordings, and the check against real services..

import type { Requirement } from "./requirement.ts";

export const observe: readonly Requirement[] = [
  {
    id: "A-226",
    says: "Each request to a host or a model is told with what it was for and how it ended.",
    from: "parity A-226",
    status: "built",
  },
  {
    id: "A-227",
    says: "Stream events are told with session, type, usage and reason, the same for every provider.",
    from: "parity A-227",
    status: "built",
  },
  {
    id: "A-228",
    says: "Each execution of a tool is told with its name, its end and whether it failed.",
    from: "parity A-228",
    status: "built",
  },
  {
    id: "A-229",
    says: "The tool calls of each turn are counted, and every ending of a run is told, failures included.",
    from: "parity A-229",
    status: "built",
  },
  {
    id: "A-230",
    says: "Provisioning tells its polls, its end and the tag of its errors.",
    from: "parity A-230",
    status: "otherwise",
    why: "Provisioning happens outside of sessions; `provision` tells its steps to a callback of its own.",
  },
  {
    id: "A-231",
    says: "Metadata of the caller's goes along with everything an observer is told; what the library sets wins.",
    from: "parity A-231",
    status: "built",
  },
  {
    id: "A-232",
    says: "OpenTelemetry is an optional peer; logs and recordings work without it.",
    from: "parity A-232",
    status: "built",
  },
  {
    id: "A-233",
    says: "What happens becomes spans with the length it took.",
    from: "parity A-233",
    status: "built",
  },
  {
    id: "A-234",
    says: "Spans bear the names of OpenTelemetry's conventions for generative AI.",
    from: "parity A-234",
    status: "built",
  },
  {
    id: "A-235",
    says: "Finish reasons on spans are the host's own words; endings are ours.",
    from: "parity A-235",
    status: "built",
  },
  {
    id: "A-236",
    says: "At its defaults no message, input or result leaves the process by traces, metrics or logs.",
    from: "parity A-236",
    status: "built",
  },
  {
    id: "A-237",
    says: "Values that are absent make no attribute, and nothing that is told makes an observer fail.",
    from: "parity A-237",
    status: "built",
  },
  {
    id: "A-242",
    says: "Request bodies and replies of each provider's surface are files, played through the real code.",
    from: "parity A-242",
    status: "built",
  },
  {
    id: "A-243",
    says: "A corpus of one's own can be played instead; one that lacks a surface fails.",
    from: "parity A-243",
    status: "built",
  },
  {
    id: "A-244",
    says: "An empty corpus fails, and so do a golden nobody builds and a key nobody knows.",
    from: "parity A-244",
    status: "built",
  },
  {
    id: "A-245",
    says: "What is written of real traffic is redacted: keys, account numbers, ids.",
    from: "parity A-245",
    status: "built",
  },
  {
    id: "A-246",
    says: "What still leaks after redaction is not written, and every fixture is scanned.",
    from: "parity A-246",
    status: "built",
  },
  {
    id: "A-247",
    says: "Captures have a manifest: when, by which rules, and the digest of each file; a later capture adds to it.",
    from: "parity A-247",
    status: "built",
  },
  {
    id: "A-248",
    says: "A request body that is sent in pieces is captured whole.",
    from: "parity A-248",
    status: "built",
  },
  {
    id: "A-249",
    says: "Two recordings are compared, and the first difference is an exit code.",
    from: "parity A-249",
    status: "built",
  },
  {
    id: "A-250",
    says: "A turn against each provider counts tokens that are not zero.",
    from: "parity A-250",
    status: "built",
  },
  {
    id: "A-251",
    says: "The whole way through AgentCore is walked against its stand-in.",
    from: "parity A-251",
    status: "built",
  },
  {
    id: "A-252",
    says: "The models of AWS services are mirrored at a pinned commit.",
    from: "parity A-252",
    status: "otherwise",
    why: "The official SDK is used and pinned by its hash in the lockfile; its types are its service model.",
  },
  {
    id: "A-253",
    says: "Whoever checks a real service without its credentials is told what is missing, and what was made there is removed.",
    from: "parity A-253",
    status: "built",
  },
  {
    id: "A-254",
    says: "A live suite skips with a reason where a variable it needs is unset or empty.",
    from: "parity A-254",
    status: "built",
  },
];
