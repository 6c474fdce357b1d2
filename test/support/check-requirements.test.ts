// Plants every gap between requirements and tests, and looks whether it is caught.

import { expect, it } from "vitest";

import type { Requirement } from "../requirements/requirement.ts";
import { checkRequirements, type Evidence } from "./check-requirements.ts";

function requirement(id: string, status: Requirement["status"], why?: string): Requirement {
  return { id, says: "It holds.", from: "here", status, ...(why && { why }) };
}

/** A run in which every test passed. */
function run(...titles: string[]): Evidence {
  return { titles, passedTitles: titles, provenElsewhere: "", isComplete: true };
}

const THREE = [
  requirement("X1", "built"),
  requirement("X2", "pending"),
  requirement("X-3", "otherwise", "by hand"),
];

it("is content when every built requirement has a passing test", () => {
  expect(checkRequirements(THREE, run("holds [X1]", "cites nothing"))).toEqual({
    problems: [],
    summary: "requirements: 1 built and cited, 1 pending, 1 otherwise",
  });
});

it("reads several ids from one title", () => {
  const both = [requirement("X1", "built"), requirement("A-019", "built")];
  expect(checkRequirements(both, run("runs once [X1] [A-019]")).problems).toEqual([]);
});

it("catches a built requirement that no test cites", () => {
  const { problems, summary } = checkRequirements(THREE, run("cites nothing"));
  expect(problems).toEqual(["X1 is said to be built, but no passing test cites it"]);
  expect(summary).toBe("requirements: 0 of 1 built are cited, 1 pending, 1 otherwise");
});

it("catches a built requirement whose only test failed or was skipped", () => {
  const { problems } = checkRequirements(THREE, {
    titles: ["holds [X1]"],
    passedTitles: [],
    provenElsewhere: "",
    isComplete: true,
  });
  expect(problems).toEqual(["X1 is said to be built, but no passing test cites it"]);
});

it("takes what the other command's tests cite for proven there", () => {
  const evidence = { ...run("cites nothing"), provenElsewhere: 'it("holds [X1]", …)' };
  expect(checkRequirements(THREE, evidence)).toEqual({
    problems: [],
    summary: "requirements: 1 built and cited, 1 pending, 1 otherwise",
  });
});

it("says nothing about missing citations when a filter left tests out", () => {
  expect(checkRequirements(THREE, { ...run("cites nothing"), isComplete: false }).problems).toEqual([]);
});

it("catches a cited id that does not exist, in failed tests and filtered runs too", () => {
  const evidence: Evidence = {
    titles: ["holds [X9]", "twice [X9]"],
    passedTitles: [],
    provenElsewhere: "",
    isComplete: false,
  };
  expect(checkRequirements(THREE, evidence).problems).toEqual([
    "a test cites [X9], which test/requirements/ does not have",
  ]);
});

it("catches an id declared twice", () => {
  const twice = [...THREE, requirement("X2", "pending")];
  expect(checkRequirements(twice, run("holds [X1]")).problems).toEqual(["X2 is declared twice"]);
});

it("catches an id that no title could cite", () => {
  expect(checkRequirements([requirement("x 1", "pending")], run()).problems).toEqual([
    "x 1 is not an id that a title can cite",
  ]);
});

it("catches `otherwise` without a reason", () => {
  expect(checkRequirements([requirement("X1", "otherwise")], run()).problems).toEqual([
    "X1 is met otherwise but does not say why",
  ]);
});
