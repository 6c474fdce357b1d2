// Runs the real command line in a process of its own, and a scripted model on loopback for it to ask.

import { spawn } from "node:child_process";
import type { ChildProcessWithoutNullStreams } from "node:child_process";
import { createServer } from "node:http";
import type { ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const MAIN = ["--conditions=loophost:source", "src/cli/main.ts"];

/** How a command ended. */
export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** What a command is started with, beside its arguments. */
export interface Surroundings {
  /** Variables it sees beside the ones needed to start; no key of this machine reaches it. */
  readonly env?: Record<string, string>;
  readonly stdin?: string;
  readonly cwd?: string;
  /** A file its output goes to, rather than here. */
  readonly into?: string;
  /** At a terminal of its own, which `script` of util-linux makes: what it shows is the standard output, `type()` types. */
  readonly isAtTerminal?: boolean;
}

/** A command while it runs. */
export interface Started {
  readonly child: ChildProcessWithoutNullStreams;
  readonly ended: Promise<Ended>;
  /** What it has said so far. */
  readonly said: Readonly<Pick<Ended, "stdout" | "stderr">>;
  /** Resolves when its output, or its notes, hold a text. */
  saw(text: string): Promise<void>;
  /** Types at its terminal. */
  type(keys: string): void;
}

/** Starts `loophost` with arguments. */
export function start(
  args: readonly string[],
  { env = {}, stdin = "", cwd = ROOT, into, isAtTerminal = false }: Surroundings = {},
): Started {
  const main = cwd === ROOT ? MAIN : MAIN.map((part) => part.replace("src/", `${ROOT}src/`));
  const { PATH: path = "", NODE_COMPILE_CACHE: compiled = "" } = process.env;
  const command = [process.execPath, ...main, ...args];
  const [program = "", ...rest] = isAtTerminal
    ? ["script", "-qefc", command.map((word) => `'${word}'`).join(" "), "/dev/null"]
    : into === undefined
      ? command
      : ["/bin/sh", "-c", 'exec "$@" > "$0"', into, ...command];
  const child = spawn(program, rest, { cwd, env: { PATH: path, NODE_COMPILE_CACHE: compiled, ...env } });
  const said = { stdout: "", stderr: "" };
  const watchers = new Set<() => void>();
  for (const stream of ["stdout", "stderr"] as const)
    child[stream].setEncoding("utf8").on("data", (text: string) => {
      said[stream] += text;
      for (const watcher of watchers) watcher();
    });
  child.stdin.on("error", () => undefined);
  if (!isAtTerminal) child.stdin.end(stdin);
  const ended = new Promise<Ended>((resolve) => {
    child.on("close", (code) => resolve({ code, ...said }));
  });
  const saw = (text: string) =>
    new Promise<void>((resolve, reject) => {
      const look = () => (said.stdout + said.stderr).includes(text) && resolve();
      watchers.add(look);
      look();
      ended.then(() => reject(new Error(`it ended without "${text}": ${said.stdout}${said.stderr}`)), reject);
    });
  return { child, ended, said, saw, type: (keys) => void child.stdin.write(keys) };
}

/** Runs `loophost` with arguments, to its end. */
export function loophost(args: readonly string[], surroundings?: Surroundings): Promise<Ended> {
  return start(args, surroundings).ended;
}

/** What the scripted model says in one turn; "silence" leaves the reply open for ever. */
export type Reply =
  | {
      readonly text?: string;
      readonly tool?: readonly [name: string, input: object];
      readonly finish?: string;
      /** Milliseconds before each piece. */
      readonly paceMs?: number;
    }
  | "silence";

/** A scripted model behind an OpenAI-compatible endpoint. */
export interface ModelServer extends AsyncDisposable {
  /** What makes the command line ask it. */
  readonly env: { readonly OPENAI_BASE_URL: string };
  /** The bodies it was sent. */
  readonly requests: readonly Record<string, unknown>[];
}

/** Starts a scripted model; each request takes the next reply, and the last one stays. */
export async function modelServer(...replies: readonly Reply[]): Promise<ModelServer> {
  const requests: Record<string, unknown>[] = [];
  const answer = async (body: string, response: ServerResponse) => {
    requests.push(JSON.parse(body));
    const reply = replies[Math.min(requests.length, replies.length) - 1];
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.flushHeaders();
    if (reply === undefined || reply === "silence") return;
    for (const delta of deltasOf(reply, requests.length)) {
      if (reply.paceMs !== undefined) await setTimeout(reply.paceMs);
      response.write(`data: ${JSON.stringify({ choices: [{ index: 0, delta }] })}\n\n`);
    }
    const finish = reply.finish ?? (reply.tool === undefined ? "stop" : "tool_calls");
    const last = {
      choices: [{ index: 0, delta: {}, finish_reason: finish }],
      usage: { prompt_tokens: 1_200, completion_tokens: 34 },
    };
    response.end(`data: ${JSON.stringify(last)}\n\ndata: [DONE]\n\n`);
  };
  const server = createServer((request, response) => {
    let body = "";
    request.setEncoding("utf8").on("data", (text) => (body += text));
    request.on("end", () => void answer(body, response));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    env: { OPENAI_BASE_URL: `http://127.0.0.1:${port}/v1` },
    requests,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function deltasOf({ text, tool }: Exclude<Reply, "silence">, n: number): object[] {
  const words = text?.match(/\S+\s*/g) ?? [];
  const call = tool && {
    index: 0,
    id: `call_${n}`,
    type: "function",
    function: { name: tool[0], arguments: JSON.stringify(tool[1]) },
  };
  return [...words.map((content) => ({ content })), ...(call === undefined ? [] : [{ tool_calls: [call] }])];
}
