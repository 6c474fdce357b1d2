// That a change which would reach the next test file is seen, whatever it is made to.

import { expect, it, onTestFinished, vi } from "vitest";

import { leftBehind, processState } from "./process-state.ts";

const nothing = (): void => undefined;
const exitWith = (code: number | undefined): void => {
  process.exitCode = code;
};

it.each([
  ["variable LEFT_BEHIND", () => vi.stubEnv("LEFT_BEHIND", "1"), () => vi.unstubAllEnvs()],
  ['listeners of "SIGUSR2"', () => process.on("SIGUSR2", nothing), () => process.off("SIGUSR2", nothing)],
  ["exit code", () => exitWith(3), () => exitWith(undefined)],
])("names what is left: %s", (name, change, undo) => {
  const before = processState();
  expect(leftBehind(before)).toEqual([]);
  onTestFinished(() => {
    undo();
  });
  change();
  expect(leftBehind(before)).toEqual([name]);
  undo();
  expect(leftBehind(before)).toEqual([]);
});
