/** `loophost run`: one run of an agent from a file. */

import { Console } from "node:console";
import { addAbortSignal, Writable } from "node:stream";
import { text } from "node:stream/consumers";
import { parseArgs } from "node:util";

import { LoophostError } from "../../core/errors.ts";
import type { SessionEvent } from "../../core/events.ts";
import type { SessionResult } from "../../core/results.ts";
import { run } from "../../core/run-once.ts";
import type { OnApproval } from "../../core/session.ts";
import { askOnTerminal } from "../approvals.ts";
import { claudeHost, localHost } from "../choose-host.ts";
import type { Command } from "../command.ts";
import { misuse } from "../command.ts";
import { EXIT_CODES_HELP, exitCodeOfEnding } from "../exit.ts";
import { loadAgent } from "../load-agent.ts";
import { Progress } from "../progress.ts";

const HELP = `loophost run runs an agent once, with its tools on this machine.

Usage
  loophost run <agent-file> <prompt> [options]

  <agent-file>  a .ts, .js or .mjs module whose default export is made by defineAgent()
  <prompt>      what to say to the agent; - reads it from standard input

Options
  --provider <name>  who runs the loop: local (this process) or claude (Claude Managed
                     Agents, or a host that speaks like it). Default: local
  --model <id>       instead of the agent's own model
  --base-url <url>   where the claude host is. Default: ANTHROPIC_BASE_URL, or the service
  --yes              allow every tool call that asks for approval
  --json             one JSON event per line on standard output, and nothing else there
  --help, -h         this text

The agent's text goes to standard output, everything about it to standard error.

The model of the local host is found by the environment: ANTHROPIC_API_KEY (and
ANTHROPIC_BASE_URL), or else OPENAI_BASE_URL (and OPENAI_API_KEY). The claude host needs
ANTHROPIC_API_KEY, unless it is on this machine. An empty variable counts as not set.

${EXIT_CODES_HELP}
`;

/** The command. */
export const runCommand: Command = {
  name: "run",
  summary: "run an agent once, with its tools on this machine",
  help: HELP,
  async run(argv, signal) {
    const { values, positionals } = parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        provider: { type: "string", default: "local" },
        model: { type: "string" },
        "base-url": { type: "string" },
        yes: { type: "boolean", default: false },
        json: { type: "boolean", default: false },
      },
    });
    const [file, prompt, ...more] = positionals;
    if (file === undefined || prompt === undefined)
      throw misuse("loophost run", `${file === undefined ? "An agent file" : "A prompt"} is missing`);
    if (more.length > 0)
      throw misuse("loophost run", "There is more than one prompt; put the prompt in quotes");
    const isLocal = values.provider === "local";
    if (!isLocal && values.provider !== "claude")
      throw misuse("loophost run", `There is no provider "${values.provider}", only local and claude`);
    if (isLocal && values["base-url"] !== undefined)
      throw misuse("loophost run", "--base-url goes with --provider claude");

    const progress = new Progress(process.stdout, process.stderr);
    globalThis.console = consoleBeside(progress);
    const loaded = await loadAgent(file);
    const agent = { ...loaded, model: values.model ?? loaded.model };
    if (agent.model === undefined)
      throw misuse("loophost run", `The agent ${agent.name} names no model; pass --model <id>`);
    const { provider, label } = isLocal ? localHost(agent.model) : claudeHost(values["base-url"]);
    const message = prompt === "-" ? await text(addAbortSignal(signal, process.stdin)) : prompt;
    if (message.trim() === "") throw misuse("loophost run", "The prompt is empty");

    if (!values.json) progress.note(`${agent.name} · ${label}`);
    const onApproval = chooseApproval(values, progress, signal);
    try {
      const result = await run(agent, {
        provider,
        prompt: message,
        signal,
        onEvent: values.json ? writeJsonLine : (event) => progress.show(event),
        onApproval,
      });
      if (!values.json) progress.end(result);
      if (result.ending !== "completed") console.error(`loophost: ${whyNoAnswer(result)}`);
      return exitCodeOfEnding(result.ending);
    } catch (thrown) {
      if (!values.json && thrown instanceof LoophostError && thrown.result !== undefined)
        progress.end(thrown.result, thrown.code);
      throw thrown;
    }
  },
};

/** What the agent file prints is not what the agent says, so it goes with the notes. */
function consoleBeside(progress: Progress): Console {
  return new Console(
    new Writable({
      decodeStrings: false,
      write(chunk, _encoding, done) {
        progress.pass(String(chunk));
        done();
      },
    }),
  );
}

function writeJsonLine(event: SessionEvent): void {
  process.stdout.write(`${JSON.stringify(event)}\n`);
}

/** Who decides about calls that need approval; nobody, where there is nobody to ask. */
function chooseApproval(
  values: { readonly yes: boolean; readonly json: boolean },
  progress: Progress,
  signal: AbortSignal,
): OnApproval | undefined {
  if (values.yes) return () => true;
  const canAsk = process.stdin.isTTY && process.stderr.isTTY && !values.json;
  return canAsk ? askOnTerminal((line, style) => progress.note(line, style), signal) : undefined;
}

function whyNoAnswer({ ending, stopReason, events, toolUses }: SessionResult): string {
  const waiting = events.findLast((event) => event.type === "run.waiting")?.on ?? [];
  if (ending !== "requires_action" || waiting.length === 0)
    return `The run ended without an answer: ${ending} (stop reason ${JSON.stringify(stopReason)}).`;
  const calls = waiting.map(
    ({ id, what }) => `${toolUses.find((use) => use.id === id)?.name ?? id} for ${what}`,
  );
  const wayOut = waiting.some(({ what }) => what === "answer")
    ? "The command line cannot answer for a tool without execute."
    : "Run it in a terminal to be asked, or with --yes to allow all.";
  return `The run stopped at calls that wait: ${calls.join(", ")}. ${wayOut}`;
}
