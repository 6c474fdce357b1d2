/** The commands of the command line, in the order its help lists them. */

import type { Command } from "./command.ts";
import { approveCommand } from "./commands/approve.ts";
import { conformanceCommand } from "./commands/conformance.ts";
import { demoCommand } from "./commands/demo.ts";
import { resumeCommand } from "./commands/resume.ts";
import { runCommand } from "./commands/run.ts";
import { serveCommand } from "./commands/serve.ts";
import { sessionsCommand } from "./commands/sessions.ts";

/** All commands. */
export const COMMANDS: readonly Command[] = [
  runCommand,
  resumeCommand,
  approveCommand,
  sessionsCommand,
  serveCommand,
  conformanceCommand,
  demoCommand,
];
