/** `loophost approve`, `deny` and `answer`: what somebody says about a call that waits in a stored session. */

import { parseArgs } from "node:util";

import type { Session } from "../../core/session.ts";
import { AGENT_NOTES_HELP, AGENT_OPTIONS, AGENT_OPTIONS_HELP } from "../agent/agent-flags.ts";
import { resumeLine } from "../agent/go-on.ts";
import { runAgent } from "../agent/run-agent.ts";
import type { Command } from "../command.ts";
import { misuse } from "../command.ts";
import { EXIT_CODES_HELP } from "../exit.ts";
import type { CreatedSession } from "../sessions/created.ts";
import { openCreated } from "../sessions/created.ts";
import type { EngineFlags } from "../sessions/engine.ts";
import { ENGINE_OPTIONS, ENGINE_OPTIONS_HELP } from "../sessions/engine.ts";
import type { Verdict } from "../sessions/post-decision.ts";
import { postDecision } from "../sessions/post-decision.ts";
import { readAnswer } from "../stored/read-answer.ts";
import { WATCH_OPTIONS } from "../watching.ts";

const OPTIONS = {
  ...AGENT_OPTIONS,
  ...WATCH_OPTIONS,
  ...ENGINE_OPTIONS,
  "no-run": { type: "boolean", default: false },
} as const;

const ARGUMENTS = `\
  <session>     its id, as run and sessions print it
  <call>        the call's id; loophost sessions show <session> has it, with its whole input
  <agent-file>  the agent it was begun with: its tools are functions, which no store can keep.
                Not needed for a session that workers run: there it is posted, and they go on`;

const helpOf = (what: string, usage: string, own: string, example: string) => `${what}

Usage
  loophost ${usage}

${ARGUMENTS}

Options
${own}  --no-run           only record it; loophost resume acts on it
  --store <file>     the SQLite file, or the postgres:// address of a database, that the
                     session is in. Default: LOOPHOST_STORE
${ENGINE_OPTIONS_HELP}
${AGENT_OPTIONS_HELP}

Example
  ${example}

The first decision about a call is the decision.
${AGENT_NOTES_HELP}

${EXIT_CODES_HELP}
`;

/** `loophost approve`. */
export const approveCommand: Command = {
  help: helpOf(
    "loophost approve allows a call that waits in a stored session, and goes on.",
    "approve <session> <call> [agent-file] [options]",
    "",
    "loophost approve local_6e1 call_7 agent.ts --store sessions.db",
  ),
  async run(argv, signal) {
    const { values, positionals } = parseArgs({ args: [...argv], allowPositionals: true, options: OPTIONS });
    await using created = await findCreated("approve", positionals, values);
    return await decide("approve", { is: "allow" }, created, positionals, values, signal);
  },
};

/** `loophost deny`. */
export const denyCommand: Command = {
  help: helpOf(
    "loophost deny refuses a call that waits in a stored session, and goes on.",
    "deny <session> <call> [agent-file] [options]",
    "  --why <text>       what the model is told about the refusal\n",
    'loophost deny local_6e1 call_7 agent.ts --why "above the limit" --store sessions.db',
  ),
  async run(argv, signal) {
    const { values, positionals } = parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: { ...OPTIONS, why: { type: "string" } },
    });
    const { why, ...flags } = values;
    await using created = await findCreated("deny", positionals, flags);
    return await decide("deny", { is: "refuse", why }, created, positionals, flags, signal);
  },
};

/** `loophost answer`. */
export const answerCommand: Command = {
  help: helpOf(
    "loophost answer gives the result of a call that waits for one in a stored session: one of a\ntool without execute, which nothing here runs.",
    "answer <session> <call> [agent-file] <text> [options]\n  loophost answer <session> <call> [agent-file] --file <path> [options]",
    `  --file <path>      the answer is in this file; - reads it from standard input
  --error            the answer says what went wrong
`,
    'loophost answer local_6e1 call_7 agent.ts "Order 42, please." --store sessions.db',
  ),
  async run(argv, signal) {
    const { values, positionals } = parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: { ...OPTIONS, file: { type: "string" }, error: { type: "boolean", default: false } },
    });
    const { file, error: isError, ...flags } = values;
    const [sessionId, callId, ...rest] = positionals;
    await using created = await findCreated("answer", positionals, flags);
    const isWithoutAgent = created !== undefined && file === undefined && rest.length === 1;
    const [agentFile, text, ...more] = isWithoutAgent ? [undefined, ...rest] : rest;
    const isToldEnough = created !== undefined || agentFile !== undefined;
    if (isToldEnough && (text === undefined) === (file === undefined))
      throw misuse("loophost answer", "One answer is needed: a text, or --file <path>");
    const given = isToldEnough ? await readAnswer(text, file, signal) : "";
    const result = { content: [{ type: "text", text: given }], isError } as const;
    const words = [sessionId, callId, agentFile, ...more];
    return await decide("answer", { is: "answer", result }, created, words, flags, signal);
  },
};

async function findCreated(
  name: string,
  [sessionId, callId]: readonly string[],
  flags: EngineFlags & { readonly store?: string | undefined },
): Promise<CreatedSession | undefined> {
  return sessionId === undefined || callId === undefined
    ? undefined
    : openCreated(`loophost ${name}`, flags, sessionId);
}

async function decide(
  name: string,
  verdict: Verdict,
  created: CreatedSession | undefined,
  [sessionId, callId, agentFile, ...more]: readonly (string | undefined)[],
  {
    "no-run": isOnlyRecorded,
    ...flags
  }: Parameters<typeof runAgent>[0]["flags"] & { readonly "no-run": boolean },
  signal: AbortSignal,
): ReturnType<Command["run"]> {
  const command = `loophost ${name}`;
  if (sessionId === undefined) throw misuse(command, "A session is missing");
  if (callId === undefined)
    throw misuse(command, "A call is missing; loophost sessions lists those that wait");
  if (agentFile === undefined && created === undefined)
    throw misuse(command, "The agent file is missing: it has the tools, which no store can keep");
  if (more.length > 0) throw misuse(command, `${name} takes one call; got also ${more.join(" ")}`);
  if (created !== undefined) return postDecision(created, callId, verdict, flags.json === true);
  return runAgent({
    command,
    agentFile: agentFile ?? "",
    flags,
    sessionId,
    decidesOn: { callId, what: verdict.is === "answer" ? "answer" : "approval" },
    signal,
    async start(session, how, stored) {
      await say(session, callId, verdict);
      if (!isOnlyRecorded) return session.resume(how);
      if (stored !== undefined) console.error(`Recorded. To act on it: ${resumeLine(stored)}`);
      return undefined;
    },
  });
}

function say(session: Session, callId: string, verdict: Verdict): Promise<void> {
  if (verdict.is === "answer") return session.answer(callId, verdict.result);
  return verdict.is === "allow" ? session.approve(callId) : session.deny(callId, verdict.why);
}
