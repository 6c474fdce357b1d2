/** The command line: finds the command, runs it, and makes one clear line and an exit code of whatever happens. */

import { debuglog } from "node:util";

import { LoophostError, messageOf } from "../core/errors.ts";
import { isObject } from "../core/json.ts";
import { VERSION } from "../core/version.ts";
import { misuse } from "./command.ts";
import { COMMANDS } from "./commands/all.ts";
import type { ExitCode } from "./exit.ts";
import { EXIT, EXIT_CODES_HELP, EXIT_OF_ERROR, INTERRUPTED } from "./exit.ts";
import { printable, shorten } from "./screen/format.ts";
import { wrap } from "./screen/wrap.ts";
import { listenForStop } from "./stop.ts";

const HELP = `loophost runs an agent on any loop host, with your tools on this machine.

Usage
  loophost <command> [arguments]

Commands
${COMMANDS.map(({ name, summary }) => `  ${name.padEnd(13)}${summary}`).join("\n")}

Options
  --help, -h     this text, or with a command what it takes
  --version, -v  the version of loophost

${EXIT_CODES_HELP}
`;

const stop = listenForStop();
process.on("uncaughtException", (thrown) => leave(report(thrown)));
// Only an event loop that has run dry comes by here; `process.exit()` does not.
process.on("beforeExit", () => (isDry = true));
process.on("exit", () => {
  if (hasSettled || stop.reason === "interrupted") return;
  const dry = new Error("it waits for something that can no longer come");
  const left = "Something called process.exit(): the agent file, or a tool of it. Throw an error instead.";
  process.exitCode = report(isDry ? dry : new LoophostError("invalid_agent", left));
});

let isDry = false;
let hasSettled = false;
main(process.argv.slice(2)).then(leave, (thrown: unknown) => leave(report(thrown)));

async function main([name, ...argv]: readonly string[]): Promise<ExitCode> {
  if (name === undefined) {
    process.stderr.write(HELP);
    return EXIT.misuse;
  }
  if (name === "--version" || name === "-v") return print(VERSION);
  if (name === "--help" || name === "-h") return print(HELP);
  const listed = COMMANDS.find((candidate) => candidate.name === name);
  if (listed === undefined) throw misuse("loophost", `There is no command "${name}"`);
  const command = await listed.load();
  const end = argv.indexOf("--");
  const flags = end === -1 ? argv : argv.slice(0, end);
  if (flags.includes("--help") || flags.includes("-h")) return print(command.help);
  try {
    return await command.run(argv, stop.signal);
  } catch (thrown) {
    if (!isObject(thrown) || !String(thrown["code"]).startsWith("ERR_PARSE_ARGS_")) throw thrown;
    // Node goes on to explain how to pass an argument that begins with a dash.
    throw misuse(`loophost ${name}`, messageOf(thrown).split(/\. |\.$/, 1)[0] ?? "");
  }
}

function print(text: string): ExitCode {
  const { isTTY, columns } = process.stdout;
  const shown = isTTY ? wrap(text, columns) : text;
  process.stdout.write(shown.endsWith("\n") ? shown : `${shown}\n`);
  return EXIT.ok;
}

/** Says what went wrong, in one line, and what to end with. */
function report(thrown: unknown): ExitCode {
  debuglog("loophost")("%o", thrown);
  if (stop.reason === "nobody reads") return EXIT.ok;
  // Which has been said.
  if (stop.reason === "output failed") return EXIT.bug;
  if (stop.reason === "interrupted") {
    const isSaid = thrown instanceof LoophostError && thrown.message.startsWith(INTERRUPTED);
    console.error(`loophost: ${isSaid ? printable(thrown.message) : `${INTERRUPTED}.`}`);
    return EXIT.interrupted;
  }
  if (thrown instanceof LoophostError) {
    console.error(`loophost: ${shorten(printable(thrown.message), 1_000)}`);
    return EXIT_OF_ERROR[thrown.code];
  }
  const message = shorten(printable(messageOf(thrown)), 1_000);
  console.error(
    `loophost: A bug, here or in the agent file: ${message} (NODE_DEBUG=loophost shows where it comes from)`,
  );
  return EXIT.bug;
}

/** Ends the process, whatever the agent file left running, once the output is out. */
function leave(code: ExitCode): void {
  hasSettled = true;
  process.exitCode = code;
  process.stdout.write("", () =>
    // A broken pipe is reported only after the write that hits it.
    setImmediate(() => process.exit(stop.reason === "output failed" ? EXIT.bug : code)),
  );
}
