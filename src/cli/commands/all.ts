/**
 * The commands of the command line, in the order its help lists them. Lazy imports: to load the modules of all of them
 * takes longer than most of them run.
 */

import type { Command } from "../command.ts";

/** A command before it is loaded: what the overview shows of it. */
interface ListedCommand {
  readonly name: string;
  /** One line for the overview. */
  readonly summary: string;
  readonly load: () => Promise<Command>;
}

/** All commands. */
export const COMMANDS: readonly ListedCommand[] = [
  {
    name: "init",
    summary: "make a project: an agent, a tool, a test without a key",
    load: async () => (await import("./init.ts")).initCommand,
  },
  {
    name: "run",
    summary: "run an agent once, with its tools on this machine",
    load: async () => (await import("./run.ts")).runCommand,
  },
  {
    name: "resume",
    summary: "take up what a stored session has open",
    load: async () => (await import("./resume.ts")).resumeCommand,
  },
  {
    name: "approve",
    summary: "allow a call that waits in a stored session, and go on",
    load: async () => (await import("./decide.ts")).approveCommand,
  },
  {
    name: "deny",
    summary: "refuse a call that waits in a stored session, and go on",
    load: async () => (await import("./decide.ts")).denyCommand,
  },
  {
    name: "answer",
    summary: "answer a call of a tool without execute in a stored session, and go on",
    load: async () => (await import("./decide.ts")).answerCommand,
  },
  {
    name: "interrupt",
    summary: "stop the run that is open in a session, wherever it runs",
    load: async () => (await import("./interrupt.ts")).interruptCommand,
  },
  {
    name: "sessions",
    summary: "list the sessions of a store; show, follow, tell, export or delete them",
    load: async () => (await import("./sessions.ts")).sessionsCommand,
  },
  {
    name: "store",
    summary: "look through a store for damage; give back its unused room; print its SQL",
    load: async () => (await import("./store.ts")).storeCommand,
  },
  {
    name: "provision",
    summary: "make an agent at a loop host, ahead of its sessions",
    load: async () => (await import("./provision.ts")).provisionCommand,
  },
  {
    name: "teardown",
    summary: "release what was provisioned",
    load: async () => (await import("./provision.ts")).teardownCommand,
  },
  {
    name: "agents",
    summary: "list, tag, resolve and prune the versions of an agent at a loop host",
    load: async () => (await import("./agents.ts")).agentsCommand,
  },
  {
    name: "artifacts",
    summary: "list, fetch, put and delete the files of a session",
    load: async () => (await import("./artifacts.ts")).artifactsCommand,
  },
  {
    name: "worker",
    summary: "run the sessions of a store, beside other workers",
    load: async () => (await import("./worker.ts")).workerCommand,
  },
  {
    name: "replay",
    summary: "show a recorded session again",
    load: async () => (await import("./replay.ts")).replayCommand,
  },
  {
    name: "compare",
    summary: "say where two recorded sessions part",
    load: async () => (await import("./compare.ts")).compareCommand,
  },
  {
    name: "serve",
    summary: "be a loop host: the wire of Claude Managed Agents, over your model",
    load: async () => (await import("./serve.ts")).serveCommand,
  },
  {
    name: "conformance",
    summary: "check a server that speaks the wire of Claude Managed Agents",
    load: async () => (await import("./conformance.ts")).conformanceCommand,
  },
  {
    name: "verify",
    summary: "hold a real service to what is documented of it",
    load: async () => (await import("./verify.ts")).verifyCommand,
  },
  {
    name: "demo",
    summary: "run one agent over a folder on three loop hosts, and compare",
    load: async () => (await import("./demo.ts")).demoCommand,
  },
];
