// Fails a test file that changes its process for the files after it: they share it, since a process each took half of
// the time of `npm test`. vitest itself undoes spies and mocked modules after each file.

import { afterAll } from "vitest";

import { leftBehind, processState } from "./process-state.ts";

const before = processState();

afterAll(() => {
  const left = leftBehind(before);
  if (left.length > 0)
    throw new Error(`This file changed what later files see, and did not undo it: ${left.join(", ")}.`);
});
