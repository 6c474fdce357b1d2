/** All checks, in the order they run: what the later ones build on comes first. */

import type { ConformanceCheck } from "../check.ts";
import { accessChecks } from "./access.ts";
import { agentChecks } from "./agent.ts";
import { deltaChecks } from "./delta.ts";
import { endingChecks } from "./ending.ts";
import { environmentChecks } from "./environment.ts";
import { errorChecks } from "./error.ts";
import { extensionChecks } from "./extension.ts";
import { fileChecks, resourceChecks } from "./file.ts";
import { budgetChecks, outcomeChecks } from "./goal.ts";
import { interruptChecks } from "./interrupt.ts";
import { listChecks } from "./list.ts";
import { postChecks } from "./post.ts";
import { sessionChecks } from "./session.ts";
import { streamChecks } from "./stream.ts";
import { threadChecks } from "./thread.ts";
import { toolChecks } from "./tool.ts";
import { turnChecks } from "./turn.ts";
import { permissionChecks, workChecks } from "./worker.ts";

/** Everything a server is asked, as data. */
export const conformanceChecks: readonly ConformanceCheck[] = [
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
