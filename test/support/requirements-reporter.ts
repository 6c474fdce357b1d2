// The vitest reporter that holds test/requirements/ to the tests. Here is only what needs vitest; the judgement is
// in check-requirements.ts.

import { globSync, readFileSync } from "node:fs";

import type { Reporter, TestModule, Vitest } from "vitest/node";

import { requirements } from "../requirements/all.ts";
import { checkRequirements } from "./check-requirements.ts";
import { ROOT } from "./source.ts";

/** Fails a run whose tests and requirements disagree. */
export class RequirementsReporter implements Reporter {
  #vitest: Vitest | undefined;

  onInit(vitest: Vitest): void {
    this.#vitest = vitest;
  }

  async onTestRunEnd(
    modules: readonly TestModule[],
    errors: readonly unknown[],
    reason: string,
  ): Promise<void> {
    const tests = modules.flatMap((module) => [...module.children.allTests()]);
    const { problems, summary } = checkRequirements(requirements, {
      titles: tests.map((test) => test.fullName),
      passedTitles: tests.filter((test) => test.result().state === "passed").map((test) => test.fullName),
      provenElsewhere: this.#otherSuite(),
      isComplete: errors.length === 0 && reason !== "interrupted" && (await this.#ranEverything(modules)),
    });
    console.log(` ${summary}`);
    for (const problem of problems) console.error(` requirements: ${problem}`);
    if (problems.length > 0) process.exitCode = 1;
  }

  /** The long suites prove what they cite in a command of their own, and the other way round. */
  #otherSuite(): string {
    const isLong = this.#vitest?.config.include.some((pattern) => pattern.includes(".long.")) ?? false;
    const corpus = isLong ? globSync("test/{corpus,golden}/**/*.json", { cwd: ROOT }) : [];
    return globSync("test/**/*.test.ts", { cwd: ROOT })
      .filter((path) => path.endsWith(".long.test.ts") !== isLong)
      .concat(corpus)
      .map((path) => readFileSync(ROOT + path, "utf8"))
      .join("\n");
  }

  /** Looks at what ran rather than at each of the many options that leave tests out. */
  async #ranEverything(modules: readonly TestModule[]): Promise<boolean> {
    if (!this.#vitest || this.#vitest.config.testNamePattern) return false;
    const ran = new Set(modules.map(({ moduleId }) => moduleId));
    const all = await this.#vitest.globTestSpecifications();
    return all.every(({ moduleId }) => ran.has(moduleId));
  }
}
