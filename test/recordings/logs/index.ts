// All recorded sessions that come to an end.

import { expect } from "vitest";

import type { Recording } from "../recording.ts";
import * as company from "./company.ts";
import * as endings from "./endings.ts";
import * as tools from "./tools.ts";

export const RECORDINGS: readonly Recording[] = [tools, endings, company].flatMap((logs) =>
  Object.values(logs),
);

/** How a session that is over for good refuses whoever comes later. */
export const GONE: Readonly<Record<string, object>> = {
  terminated: { failed: expect.stringContaining("session_closed") },
  deleted: { failed: expect.stringContaining("session_not_found") },
};
