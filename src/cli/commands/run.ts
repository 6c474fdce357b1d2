/** `loophost run`: one run of an agent from a file, in a new session or in one that was kept. */

import { addAbortSignal } from "node:stream";
import { text } from "node:stream/consumers";
import { parseArgs } from "node:util";

import { AGENT_NOTES_HELP, AGENT_OPTIONS, AGENT_OPTIONS_HELP } from "../agent/agent-flags.ts";
import { runAgent } from "../agent/run-agent.ts";
import type { Command } from "../command.ts";
import { misuse } from "../command.ts";
import { EXIT_CODES_HELP } from "../exit.ts";
import { readHandle } from "../provisioned/place.ts";
import { WATCH_OPTIONS } from "../watching.ts";

const HELP = `loophost run runs an agent once, with its tools on this machine.

Usage
  loophost run <agent-file> <prompt> [options]
  loophost run <agent-file> [prompt] --session <id> --store <file> [options]

  <agent-file>  a .ts, .js or .mjs module whose default export is made by defineAgent()
  <prompt>      what to say to the agent; - reads it from standard input

Examples
  loophost run agent.ts "Where is order 42?"
  loophost run agent.ts 'lookup_order {"id":"42"}' --model scripted
  loophost run agent.ts "Where is order 42?" --store sessions.db
  loophost run agent.ts "Where is order 42?" --provisioned handle.json

Options
  --store <file>     keep the session in this SQLite file, or the database with this
                     postgres:// address, so that it outlives the process.
                     Default: LOOPHOST_STORE, or nowhere
  --session <id>     go on with this session; without a prompt, with what it has open
  --provisioned <file>  run what this handle names, as loophost provision --json printed it;
                     its provider is the default. For a new session
  --steps <file>     write each step of the loop to this new file, one JSON line each, for
                     replaySteps() of loophost/testing: a run that went wrong as a test case
${AGENT_OPTIONS_HELP}

${AGENT_NOTES_HELP}

${EXIT_CODES_HELP}
`;

/** The command. */
export const runCommand: Command = {
  help: HELP,
  async run(argv, signal) {
    const { values, positionals } = parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        ...AGENT_OPTIONS,
        ...WATCH_OPTIONS,
        session: { type: "string" },
        provisioned: { type: "string" },
        steps: { type: "string" },
      },
    });
    const { session: sessionId, provisioned: handleFile, ...given } = values;
    const [agentFile, prompt, ...more] = positionals;
    if (agentFile === undefined) throw misuse("loophost run", "An agent file is missing");
    if (prompt === undefined && sessionId === undefined) throw misuse("loophost run", "A prompt is missing");
    if (more.length > 0)
      throw misuse("loophost run", "There is more than one prompt; put the prompt in quotes");
    if (handleFile !== undefined && sessionId !== undefined)
      throw misuse("loophost run", "--provisioned is for a new session; leave out --session");
    if (handleFile === "-" && prompt === "-")
      throw misuse("loophost run", "The prompt and the handle cannot both be on standard input");
    const provisioned = handleFile === undefined ? undefined : await readHandle(handleFile);
    const flags = { ...given, provider: given.provider ?? provisioned?.provider };
    const message = prompt === "-" ? await text(addAbortSignal(signal, process.stdin)) : prompt;
    if (message?.trim() === "") throw misuse("loophost run", "The prompt is empty");
    return runAgent({
      command: "loophost run",
      agentFile,
      flags,
      sessionId,
      provisioned,
      signal,
      start: (session, how) => (message === undefined ? session.resume(how) : session.send(message, how)),
    });
  },
};
