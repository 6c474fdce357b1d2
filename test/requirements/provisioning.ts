// What is set up once and run anywhere: provisioning, environments, artifacts. From sections 18 to 25 of the parity table.

import type { Requirement } from "./requirement.ts";

/** A promise that a passing test shows. */
const built = (number: number, says: string): Requirement => ({
  id: `A-${number}`,
  says,
  from: `parity A-${number}`,
  status: "built",
});

/** A promise that is kept in another way. */
const otherwise = (number: number, says: string, why: string): Requirement => ({
  ...built(number, says),
  status: "otherwise",
  why,
});

export const provisioning: readonly Requirement[] = [
  otherwise(
    166,
    "An agent's definition is checked as it is made, and one that was not is refused.",
    "One kind of agent, of defineAgent(), serves provisioning and running alike; there is no second spec to be coerced from a map.",
  ),
  built(
    167,
    "One digest, over instructions, tools, terminal tool and model, names an agent's definition everywhere; its name is not in it.",
  ),
  built(
    168,
    "An environment is a name, runtimes and the host's own configuration; anything wrong in it refuses the whole.",
  ),
  built(169, "An environment's digest is over runtimes and configuration, without its name."),
  built(
    170,
    "What is remembered is told apart by provider, host and account, name, definition, and environment where there is one.",
  ),
  built(171, "The host is asked only for what is not remembered, and a failure is not remembered."),
  built(172, "Teardown tries everything, and forgets a handle only when all of it is gone."),
  built(173, "A store that fails or hangs never blocks provisioning."),
  built(174, "An environment's configuration reaches the host byte for byte; runtimes never do."),
  built(175, "Handles are kept as records of a store, found by key, and forgotten by handle."),
  built(176, "Without a store, handles are remembered in the process."),
  otherwise(
    177,
    "Records are kept in one JSON file, replaced by a rename, one writer at a time; one that is not there is empty.",
    "A damaged file is told of and left as it is, not healed by the next write: tags would be lost without a word.",
  ),
  built(178, "What is kept in a file comes back as it was given; a handle is plain JSON."),
  built(179, "Handles and tags of one name are never taken for those of another."),
  built(180, "A record of an unexpected shape is a miss, and is overwritten."),
  built(181, "A resource's name is a base and the beginning of a digest, within the host's own rules."),
  built(
    182,
    "What a host does not take in a name becomes an underscore, and a letter goes in front where one is needed.",
  ),
  built(183, "A base that is too long is cut and carries a hash of the whole; the digest is never cut."),
  built(184, "Names are counted in bytes, and cut between characters."),
  built(185, "Rules under which no name fits are refused, with the least that is needed."),
  otherwise(
    186,
    "An agent whose base would have to be cut is not lost to pruning.",
    "The ancestor refused it; here pruning cuts a base by the same rule, and finds it.",
  ),
  built(
    187,
    "A harness has the agent's name in its name, and the environment in its digest when there is one.",
  ),
  built(188, "An agent is made if it is absent; its handle has the host's id, a name and a digest."),
  built(
    189,
    "Where a host says that a name is taken, the live one of that name is used, found over all pages; else the error says so.",
  ),
  built(190, "Tags are movable pointers from name and tag to a version; resolving never falls back."),
  built(
    191,
    "Pruning needs a number to keep, looks at exactly the versions of one name, and never takes one with a tag.",
  ),
  built(
    192,
    "Pruning goes from the oldest on, stops at a failure and says what went; the store forgets what went.",
  ),
  built(193, "An environment is made if it is absent; another description is another environment beside it."),
  otherwise(
    194,
    "An environment that somebody archived is not adopted.",
    "It is made anew, since the host takes a name again once it is archived; where a host says that the name is taken, that is the error.",
  ),
  otherwise(
    195,
    "What installs the runtimes is never kept, so that no cache goes stale.",
    "bootstrapOf(environment) renders it whenever it is asked for; it is no field of a handle.",
  ),
  otherwise(196, "A resolved handle carries no bootstrap.", "No handle does."),
  built(
    197,
    "Hosts that runtimes are downloaded from are added to a network that is limited, and only then.",
  ),
  built(198, "A runtime's language and version are checked against injection, as whole strings."),
  built(199, "The script is deterministic and strict, installs each runtime, and writes the profile once."),
  built(200, "Erlang is installed before Elixir, which names its version."),
  built(201, "The instructions name the runtimes, say when to install them, and carry the whole script."),
  built(202, "The hosts of the runtimes are known, sorted, each once; a runtime may add its own."),
  built(203, "Another version of a runtime is another environment."),
  built(
    219,
    "Artifacts are listed, fetched, put and deleted by name, session by session; of one name all are listed and the newest is meant.",
  ),
  built(220, "An artifact has a name, a size, the host's id and what the host says of it."),
  built(
    221,
    "At Claude's a put uploads a file and attaches it at /data/<name>, and the listing is the session's own.",
  ),
  built(222, "The folder for outputs is one constant, and what the host shows late can be waited for."),
  built(
    223,
    "In a harness artifacts go through the session's shell in commands of bounded size, and are put in place whole.",
  ),
  built(224, "A name that could lead elsewhere is refused before anything is asked."),
  otherwise(
    225,
    "Puts of one name at the same time do not race.",
    "Nothing has to be put in line by the caller: each is written apart, and the last one counts, whole.",
  ),
  built(
    255,
    "Every function of the ancestors' public pages exists, or is mapped: shorthands by their names included.",
  ),
  otherwise(
    256,
    "Examples show the whole lifecycle at each host.",
    "docs/provisioning.md and docs/agentcore.md have whole programs, compiled by the tests; the cycle of each host is a test of its own.",
  ),
  otherwise(
    257,
    "What a vendor's package is needed for is optional, and maintainers' tools are not published.",
    "Vendors' packages are optional peers, loaded where they are used; hosts of runtimes are code, not a data file that could be missing.",
  ),
  otherwise(
    258,
    "What crosses a module's boundary is a typed record, checked once; a host's own payloads stay untouched.",
    "The compiler holds types; options are checked by name where they come in, handles and records of stores as they are read.",
  ),
];
