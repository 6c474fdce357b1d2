// Compares the requirements with the tests that passed. Pure, so that its own tests can plant every gap.

import type { Requirement } from "../requirements/requirement.ts";

/** A requirement id as a title cites it: "… [I2]" or "… [A-019]". */
const CITATION = /\[([A-Z]{1,4}-?\d[\w.-]*)\]/g;

/** What a run showed. */
export interface Evidence {
  /** Titles of every test there is, passed or not: an unknown id is wrong in any of them. */
  readonly titles: readonly string[];
  readonly passedTitles: readonly string[];
  /** Text of the test files of the other command (`npm test`, `npm run test:long`), which proves what it cites itself. */
  readonly provenElsewhere: string;
  /** False when a filter left tests out; then a missing citation says nothing. */
  readonly isComplete: boolean;
}

/** Returns one sentence per problem, and a summary line. */
export function checkRequirements(
  requirements: readonly Requirement[],
  evidence: Evidence,
): { problems: string[]; summary: string } {
  const declared = new Set<string>();
  const problems: string[] = [];
  for (const { id, status, why } of requirements) {
    if (declared.has(id)) problems.push(`${id} is declared twice`);
    if (citedIn([`[${id}]`])[0] !== id) problems.push(`${id} is not an id that a title can cite`);
    if (status === "otherwise" && !why) problems.push(`${id} is met otherwise but does not say why`);
    declared.add(id);
  }
  for (const id of new Set(citedIn(evidence.titles))) {
    if (!declared.has(id)) problems.push(`a test cites [${id}], which test/requirements/ does not have`);
  }

  const built = requirements.filter(({ status }) => status === "built");
  const proven = new Set(citedIn(evidence.passedTitles));
  const elsewhere = new Set(citedIn([evidence.provenElsewhere]));
  if (evidence.isComplete) {
    for (const { id } of built) {
      if (!proven.has(id) && !elsewhere.has(id))
        problems.push(`${id} is said to be built, but no passing test cites it`);
    }
  }

  const count = (status: Requirement["status"]): number =>
    requirements.filter((requirement) => requirement.status === status).length;
  const cited = built.filter(({ id }) => proven.has(id) || elsewhere.has(id)).length;
  const builtPart =
    cited === built.length ? `${cited} built and cited` : `${cited} of ${built.length} built are cited`;
  const summary = `requirements: ${builtPart}, ${count("pending")} pending, ${count("otherwise")} otherwise`;
  return { problems, summary };
}

function citedIn(titles: readonly string[]): string[] {
  return titles.flatMap((title) => Array.from(title.matchAll(CITATION), ([, id = ""]) => id));
}
