/** All checks, in the order they run: what the later ones build on comes first. */

import { accessChecks } from "./access-checks.ts";
import { agentChecks } from "./agent-checks.ts";
import type { Check } from "./check.ts";
import { deltaChecks } from "./delta-checks.ts";
import { endingChecks } from "./ending-checks.ts";
import { environmentChecks } from "./environment-checks.ts";
import { errorChecks } from "./error-checks.ts";
import { extensionChecks } from "./extension-checks.ts";
import { fileChecks, resourceChecks } from "./file-checks.ts";
import { budgetChecks, outcomeChecks } from "./goal-checks.ts";
import { interruptChecks } from "./interrupt-checks.ts";
import { listChecks } from "./list-checks.ts";
import { postChecks } from "./post-checks.ts";
import { sessionChecks } from "./session-checks.ts";
import { streamChecks } from "./stream-checks.ts";
import { threadChecks } from "./thread-checks.ts";
import { toolChecks } from "./tool-checks.ts";
import { turnChecks } from "./turn-checks.ts";
import { permissionChecks, workChecks } from "./worker-checks.ts";

/** Everything a server is asked, as data. */
export const conformanceChecks: readonly Check[] = [
  ...accessChecks,
  ...errorChecks,
  ...agentChecks,
  ...environmentChecks,
  ...sessionChecks,
  ...streamChecks,
  ...turnChecks,
  ...listChecks,
  ...postChecks,
  ...toolChecks,
  ...interruptChecks,
  ...endingChecks,
  ...deltaChecks,
  ...threadChecks,
  ...fileChecks,
  ...resourceChecks,
  ...outcomeChecks,
  ...budgetChecks,
  ...permissionChecks,
  ...workChecks,
  ...extensionChecks,
];
