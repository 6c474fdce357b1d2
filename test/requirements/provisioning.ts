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
  built(
    167,
    "One digest, over instructions, tools, terminal tool and model, names an agent's definition everywhere; its name is not in it.",
  ),
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
];
