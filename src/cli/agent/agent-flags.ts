/** The flags of every command that runs an agent, and what they say of its loop host. */

import type { Agent } from "../../core/agent.ts";
import { misuse } from "../command.ts";
import type { SessionAddress } from "../stored/session-address.ts";
import type { WatchFlags } from "../watching.ts";
import { WATCH_OPTIONS_HELP } from "../watching.ts";
import type { ChosenHost } from "./choose-host.ts";
import { agentcoreHost, claudeHost, localHost } from "./choose-host.ts";

/** The flags, as `parseArgs` takes them. */
export const AGENT_OPTIONS = {
  provider: { type: "string" },
  model: { type: "string" },
  "base-url": { type: "string" },
  harness: { type: "string" },
  qualifier: { type: "string" },
  yes: { type: "boolean" },
  json: { type: "boolean" },
  store: { type: "string" },
  wait: { type: "boolean" },
  take: { type: "boolean" },
  "changed-agent": { type: "boolean" },
} as const;

/** The flags, as `parseArgs` gives them. */
export interface AgentFlags extends WatchFlags {
  readonly provider?: string | undefined;
  readonly model?: string | undefined;
  readonly "base-url"?: string | undefined;
  readonly harness?: string | undefined;
  readonly qualifier?: string | undefined;
  readonly yes?: boolean | undefined;
  readonly json?: boolean | undefined;
  readonly store?: string | undefined;
  readonly wait?: boolean | undefined;
  readonly take?: boolean | undefined;
  readonly "changed-agent"?: boolean | undefined;
  /** Of `loophost run` alone. */
  readonly steps?: string | undefined;
}

/** The flags as `--help` shows them. */
export const AGENT_OPTIONS_HELP: string = `\
  --provider <name>  who runs the loop: local (this process), claude (Claude Managed Agents,
                     or a host that speaks like it) or agentcore (Amazon Bedrock AgentCore
                     Harness). Default: the session's, or local
  --model <id>       instead of the agent's own model; scripted: the built-in one, which calls
                     the tools it is told to, as in 'lookup_order {"id":"42"}'
  --base-url <url>   where the host is. Default: the session's, or else ANTHROPIC_BASE_URL
                     for claude, or the service
  --harness <arn>    the harness, at agentcore. Default: the session's, or else
                     LOOPHOST_HARNESS, or the only one there is
  --qualifier <name> the endpoint of the harness. Default: the session's, or DEFAULT
  --yes              allow every tool call that asks for approval
  --json             one JSON event per line on standard output, and nothing else there
  --wait             wait for a session that another process has open
  --take             take it over from that process, which then fails
  --changed-agent    go on with an agent that is not the one the session was begun with
${WATCH_OPTIONS_HELP}
  --help, -h         this text`;

/** What the commands that run an agent have to say of outputs and models. */
export const AGENT_NOTES_HELP: string = `\
The agent's text goes to standard output, everything about it to standard error.

The model of the local host is found by the environment: ANTHROPIC_API_KEY (and
ANTHROPIC_BASE_URL), or else OPENAI_BASE_URL (and OPENAI_API_KEY). The claude host needs
ANTHROPIC_API_KEY, unless it is on this machine; agentcore AWS credentials, found as by any
AWS SDK, unless it is on this machine. An empty variable counts as not set.`;

/**
 * Checks what can be checked of the flags before anything is loaded.
 *
 * @throws LoophostError `invalid_options`
 */
export function checkFlags(command: string, flags: AgentFlags, sessionId: string | undefined): void {
  const provider = flags.provider ?? (sessionId === undefined ? "local" : undefined);
  if (provider !== undefined && !PROVIDERS.includes(provider))
    throw misuse(command, `There is no provider "${provider}", only local, claude and agentcore`);
  if (provider === "local" && flags["base-url"] !== undefined)
    throw misuse(command, "--base-url goes with --provider claude and --provider agentcore");
  const isHarness = provider === undefined || provider === "agentcore";
  if (!isHarness && (flags.harness ?? flags.qualifier) !== undefined)
    throw misuse(command, "--harness and --qualifier go with --provider agentcore");
  if (flags.wait === true && flags.take === true)
    throw misuse(command, "--wait and --take exclude each other");
}

const PROVIDERS: readonly string[] = ["local", "claude", "agentcore"];

/** The agent with the model the flags name, which counts before its own. */
export function withModel(agent: Agent, { model }: AgentFlags): Agent {
  return model === undefined ? agent : { ...agent, model };
}

/** Who has run a session so far, and where, as far as it is on record. */
export interface BegunWith extends SessionAddress {
  readonly provider?: string | undefined;
}

/**
 * The loop host the flags name, or else the one the session was begun with. A harness has a model of its own; the
 * others need that of the agent.
 */
export async function chooseHost(
  command: string,
  flags: AgentFlags,
  { name, model }: Pick<Agent, "name" | "model">,
  begunWith: BegunWith = {},
): Promise<ChosenHost> {
  const { "base-url": given, harness = begunWith.harness, qualifier = begunWith.qualifier } = flags;
  const baseUrl = given ?? begunWith.baseUrl;
  const begun = begunWith.provider === "local" && given !== undefined ? "claude" : begunWith.provider;
  const provider = flags.provider ?? begun;
  if (provider === "agentcore") return agentcoreHost({ baseUrl, harness, qualifier });
  if (model === undefined) throw misuse(command, `The agent ${name} names no model; pass --model <id>`);
  return provider === "claude" ? claudeHost(baseUrl) : localHost(model);
}
