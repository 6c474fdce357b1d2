/** `loophost resume`: takes up what a stored session has open, a run whose process died for one. */

import { parseArgs } from "node:util";

import { AGENT_NOTES_HELP, AGENT_OPTIONS, AGENT_OPTIONS_HELP } from "../agent/agent-flags.ts";
import { runAgent } from "../agent/run-agent.ts";
import type { Command } from "../command.ts";
import { misuse } from "../command.ts";
import { EXIT_CODES_HELP } from "../exit.ts";
import { WATCH_OPTIONS } from "../watching.ts";

const HELP = `loophost resume takes up what a stored session has open: a run whose process died, or a
call somebody decided about. Calls with a recorded result do not run again.

Usage
  loophost resume <session> <agent-file> [options]

  <session>     its id, as run and sessions print it
  <agent-file>  the agent it was begun with: its tools are functions, which no store can keep

Examples
  loophost resume local_4f agent.ts --store sessions.db

Options
  --store <file>     the SQLite file, or the postgres:// address of a database, that the
                     session is in. Default: LOOPHOST_STORE
${AGENT_OPTIONS_HELP}

${AGENT_NOTES_HELP}

${EXIT_CODES_HELP}
`;

/** The command. */
export const resumeCommand: Command = {
  help: HELP,
  async run(argv, signal) {
    const { values, positionals } = parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: { ...AGENT_OPTIONS, ...WATCH_OPTIONS },
    });
    const [sessionId, agentFile, ...more] = positionals;
    if (sessionId === undefined) throw misuse("loophost resume", "A session is missing");
    if (agentFile === undefined)
      throw misuse("loophost resume", "The agent file is missing: it has the tools, which no store can keep");
    if (more.length > 0) throw misuse("loophost resume", "resume takes no prompt; that is: loophost run");
    return runAgent({
      command: "loophost resume",
      agentFile,
      flags: values,
      sessionId,
      signal,
      start: (session, how) => session.resume(how),
    });
  },
};
