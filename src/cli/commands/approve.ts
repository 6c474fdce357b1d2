/** `loophost approve`: decides about a call that waits in a stored session, and goes on with the session. */

import { parseArgs } from "node:util";

import { AGENT_NOTES_HELP, AGENT_OPTIONS, AGENT_OPTIONS_HELP } from "../agent/agent-flags.ts";
import { resumeLine } from "../agent/go-on.ts";
import { runAgent } from "../agent/run-agent.ts";
import type { Command } from "../command.ts";
import { misuse } from "../command.ts";
import { EXIT_CODES_HELP } from "../exit.ts";

const HELP = `loophost approve allows or refuses a call that waits in a stored session, and goes on.

Usage
  loophost approve <session> <call> <agent-file> [options]

  <session>     its id, as run and sessions print it
  <call>        the call's id; loophost sessions lists those that wait
  <agent-file>  the agent it was begun with: its tools are functions, which no store can keep

Options
  --deny             refuse the call
  --why <text>       what the model is told about the refusal
  --no-run           only record the decision; loophost resume acts on it
  --store <file>     the SQLite file the session is in. Default: LOOPHOST_STORE
${AGENT_OPTIONS_HELP}

${AGENT_NOTES_HELP}

${EXIT_CODES_HELP}
`;

/** The command. */
export const approveCommand: Command = {
  name: "approve",
  summary: "allow or refuse a call that waits in a stored session",
  help: HELP,
  async run(argv, signal) {
    const { values, positionals } = parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        ...AGENT_OPTIONS,
        deny: { type: "boolean", default: false },
        why: { type: "string" },
        "no-run": { type: "boolean", default: false },
      },
    });
    const { deny, why, "no-run": isOnlyRecorded, ...flags } = values;
    const [sessionId, callId, agentFile, ...more] = positionals;
    if (sessionId === undefined) throw misuse("loophost approve", "A session is missing");
    if (callId === undefined)
      throw misuse("loophost approve", "A call is missing; loophost sessions lists those that wait");
    if (agentFile === undefined)
      throw misuse(
        "loophost approve",
        "The agent file is missing: it has the tools, which no store can keep",
      );
    if (more.length > 0)
      throw misuse("loophost approve", `approve takes one call; got also ${more.join(" ")}`);
    if (why !== undefined && !deny) throw misuse("loophost approve", "--why goes with --deny");
    return runAgent({
      command: "loophost approve",
      agentFile,
      flags,
      sessionId,
      signal,
      async start(session, how, stored) {
        await (deny ? session.deny(callId, why) : session.approve(callId));
        if (!isOnlyRecorded) return session.resume(how);
        if (stored !== undefined) console.error(`StoredFacts. To act on it: ${resumeLine(stored)}`);
        return undefined;
      },
    });
  },
};
