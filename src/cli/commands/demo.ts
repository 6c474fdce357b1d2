/** `loophost demo`: one agent over a folder, run on three loop hosts, and whether they came to the same. */

import { basename, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

import type { Agent } from "../../core/agent.ts";
import { hasCode } from "../../core/errors.ts";
import type { Provider } from "../../core/provider.ts";
import type { SessionResult } from "../../core/results.ts";
import { run } from "../../core/session/run-once.ts";
import { agentcore } from "../../providers/agentcore/index.ts";
import { claude } from "../../providers/claude/index.ts";
import { local } from "../../providers/local/local.ts";
import type { Model } from "../../providers/local/model.ts";
import type { ModelFunction } from "../../providers/local/models/function-model.ts";
import type { AgentCoreStandIn } from "../../stand-ins/agentcore/stand-in.ts";
import { agentCoreStandIn } from "../../stand-ins/agentcore/stand-in.ts";
import { chooseModel, MODEL_VARIABLES } from "../agent/choose-model.ts";
import type { Command } from "../command.ts";
import { misuse } from "../command.ts";
import { analystOf } from "../demo/analyst.ts";
import { differencesOf } from "../demo/compare.ts";
import type { Folder } from "../demo/folder.ts";
import { openFolder } from "../demo/folder.ts";
import { scriptedAnalyst } from "../demo/scripted-analyst.ts";
import type { ExitCode } from "../exit.ts";
import { EXIT, EXIT_CODES_HELP, exitCodeOfEnding } from "../exit.ts";
import { count, fromHere, printable } from "../screen/format.ts";
import { Progress } from "../screen/progress.ts";

/** As far up from dist/cli/commands as from src/cli/commands. */
const DOCS = fileURLToPath(new URL("../../../docs", import.meta.url));
const DEFAULT_CLAUDE = "claude-sonnet-5-5";

const HELP = `loophost demo runs one agent over a folder of yours, on three loop hosts, and compares.

Usage
  loophost demo [folder] [options]

  [folder]      what to look into. It is only read, and not left. Default: the docs of loophost

Examples
  loophost demo ~/my-project

Options
  --model <id>  the model to ask, where the environment names one. Default with
                ANTHROPIC_API_KEY: ${DEFAULT_CLAUDE}
  --help, -h    this text

The agent has four tools: list_files, measure, read_file and search_text. It runs once in
this process, once through the embedded server and once through a stand-in for AgentCore, both
over HTTP. Its tools run here each time.

The model is found by the environment: ANTHROPIC_API_KEY (and ANTHROPIC_BASE_URL), or else
OPENAI_BASE_URL (and OPENAI_API_KEY). Without either it is the built-in scripted model,
which follows a fixed plan. An empty variable counts as not set.

${EXIT_CODES_HELP}
`;

/** The command. */
export const demoCommand: Command = {
  help: HELP,
  async run(argv, signal) {
    const { values, positionals } = parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: { model: { type: "string" } },
    });
    if (positionals.length > 1) throw misuse("loophost demo", "demo takes one folder");
    const path = positionals[0] ?? fromHere(DOCS);
    const folder = await openFolder(path);
    const { files } = await folder.walk(".");
    const { agent, model, label, isScripted } = await chooseAnalyst(folder, values.model);

    const { embeddedHost } = await import("../../server/index.ts");
    say(`One agent, three loop hosts

Folder  ${path} (${count(files.length, "file")})
Tools   ${agent.tools.map(({ name }) => name).join(", ")}: they run here, each time
Model   ${label}
`);
    // The path on this machine must not be sent to a model.
    const prompt = `Survey the folder "${basename(resolve(path))}": what it holds, how much that is, and what it is about.`;
    const watch = async (provider: Provider) => {
      const progress = new Progress({ write: () => true }, process.stdout);
      const result = await run(agent, { provider, prompt, signal, onEvent: (event) => progress.show(event) });
      progress.end(result);
      return result;
    };

    say("1  In this process: local({ model })");
    const first = await watch(local({ model }));

    const host = embeddedHost({ model });
    const standIn = await agentCoreStandIn({ model });
    const closeBoth = async () => void (await Promise.all([host.close(), standIn.close()]));
    await using _ = { [Symbol.asyncDispose]: closeBoth };
    const { url } = await host.listen();
    say(`\n2  Through the embedded server: claude({ baseUrl: "${url}" })`);
    const second = await watch(claude({ baseUrl: url, apiKey: "none" }));

    say(`\n3  Through a stand-in for AgentCore: agentcore({ baseUrl: "${standIn.url}" })`);
    const third = await watch(agentcoreAt(standIn)).catch(withoutPackage);

    say(`\nThe answer\n${printable(second.text)}\n`);
    const code = compare(first, third === undefined ? [second] : [second, third], isScripted);
    const command = process.env["npm_lifecycle_event"] === "demo" ? "npm run loophost --" : "loophost";
    say(`\nNext: ${command} run --help, for an agent of your own`);
    return code;
  },
};

interface Analyst {
  readonly agent: Agent;
  readonly model: Model | ModelFunction;
  readonly label: string;
  readonly isScripted: boolean;
}

/** The agent and its model: a real one where the environment names one, else the scripted one. */
async function chooseAnalyst(folder: Folder, modelId: string | undefined): Promise<Analyst> {
  const wanted = modelId ?? (process.env["ANTHROPIC_API_KEY"] ? DEFAULT_CLAUDE : undefined);
  const chosen = await chooseModel(wanted);
  if (chosen === undefined)
    return {
      agent: analystOf(folder, "scripted"),
      model: scriptedAnalyst,
      label: `scripted (built in, follows a fixed plan)\n        For a language model set ${MODEL_VARIABLES}`,
      isScripted: true,
    };
  if (wanted === undefined) throw misuse("loophost demo", "No model is named; pass --model <id>");
  return { agent: analystOf(folder, wanted), model: chosen.model, label: chosen.label, isScripted: false };
}

function agentcoreAt({ url, harnessArn }: AgentCoreStandIn): Provider {
  const credentials = { accessKeyId: "loopback", secretAccessKey: "loopback" };
  return agentcore({ harnessArn, baseUrl: url, tools: "replace", credentials });
}

/** Who has no AWS package is shown the other two. */
function withoutPackage(thrown: unknown): undefined {
  if (!hasCode(thrown, "missing_dependency")) throw thrown;
  say(`  not run: ${thrown.message}`);
}

const NAMES = ["second", "third"];

function compare(first: SessionResult, others: readonly SessionResult[], isScripted: boolean): ExitCode {
  const differences = others.flatMap((other, index) => differencesOf(first, other, NAMES[index]));
  const unfinished = [first, ...others].find(({ ending }) => ending !== "completed");
  if (differences.length === 0)
    say(
      `✓ The same ${count(first.toolCalls.length, "tool call")}, the same inputs, the same order, the same answer.`,
    );
  else say(`✗ The runs differ.\n${differences.map((line) => `  ${line}`).join("\n")}`);
  if (unfinished !== undefined) return exitCodeOfEnding(unfinished.ending);
  if (differences.length === 0) return EXIT.ok;
  if (isScripted) return EXIT.noAnswer;
  say("  A language model answers anew each time, so this is no fault; the scripted model does not.");
  return EXIT.ok;
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}
