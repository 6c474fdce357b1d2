/** The commands of the command line, in the order its help lists them. */

import type { Command } from "../command.ts";
import { agentsCommand } from "./agents.ts";
import { artifactsCommand } from "./artifacts.ts";
import { compareCommand } from "./compare.ts";
import { conformanceCommand } from "./conformance.ts";
import { answerCommand, approveCommand, denyCommand } from "./decide.ts";
import { demoCommand } from "./demo.ts";
import { initCommand } from "./init.ts";
import { interruptCommand } from "./interrupt.ts";
import { provisionCommand, teardownCommand } from "./provision.ts";
import { replayCommand } from "./replay.ts";
import { resumeCommand } from "./resume.ts";
import { runCommand } from "./run.ts";
import { serveCommand } from "./serve.ts";
import { sessionsCommand } from "./sessions.ts";
import { storeCommand } from "./store.ts";
import { verifyCommand } from "./verify.ts";
import { workerCommand } from "./worker.ts";

/** All commands. */
export const COMMANDS: readonly Command[] = [
  initCommand,
  runCommand,
  resumeCommand,
  approveCommand,
  denyCommand,
  answerCommand,
  interruptCommand,
  sessionsCommand,
  storeCommand,
  provisionCommand,
  teardownCommand,
  agentsCommand,
  artifactsCommand,
  workerCommand,
  replayCommand,
  compareCommand,
  serveCommand,
  conformanceCommand,
  verifyCommand,
  demoCommand,
];
