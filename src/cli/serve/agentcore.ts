/** `loophost serve --wire agentcore`: a stand-in for Amazon Bedrock AgentCore Harness over the model of the environment. */

import { once } from "node:events";

import type { KeyPair } from "../../stand-ins/agentcore/sigv4.ts";
import { agentCoreStandIn } from "../../stand-ins/agentcore/stand-in.ts";
import { chooseModel, MODEL_VARIABLES } from "../agent/choose-model.ts";
import { scriptedModel } from "../agent/scripted-model.ts";
import { misuse } from "../command.ts";
import type { ExitCode } from "../exit.ts";
import { EXIT } from "../exit.ts";
import { portProblem } from "./listening.ts";

/** The flags of `serve` that mean something here, and those that do not. */
export interface AgentCoreFlags {
  readonly port: number;
  readonly host: string;
  readonly model?: string | undefined;
  readonly "api-key"?: string | undefined;
  readonly store?: string | undefined;
  readonly wait?: boolean | undefined;
  readonly take?: boolean | undefined;
}

const UNFIT = ["api-key", "store", "wait", "take"] as const;

/**
 * Runs the stand-in until the signal aborts.
 *
 * @throws LoophostError `invalid_options` for flags that go with the other wire; `host_failed` when it cannot listen
 */
export async function serveAgentCore(flags: AgentCoreFlags, signal: AbortSignal): Promise<ExitCode> {
  const unfit = UNFIT.find((name) => flags[name] !== undefined && flags[name] !== false);
  if (unfit !== undefined) throw misuse("loophost serve", `--${unfit} does not go with --wire agentcore`);
  const chosen = await chooseModel(flags.model);
  const { port, host: hostname } = flags;
  const model = chosen?.model ?? scriptedModel;
  const host = await agentCoreStandIn({ model, port, hostname, credentials: pairs() }).catch(
    (thrown: unknown) => {
      throw portProblem(thrown, `${hostname}:${port}`) ?? thrown;
    },
  );
  console.log(describe(host.url, host.harnessArn, chosen?.label));
  if (!signal.aborted) await once(signal, "abort");
  await host.close();
  return EXIT.ok;
}

/** Clients with AWS keys in the environment sign with those, so accept them. */
function pairs(): KeyPair[] {
  const { env } = process;
  const [accessKeyId, secretAccessKey] = [env["AWS_ACCESS_KEY_ID"], env["AWS_SECRET_ACCESS_KEY"]];
  const sessionToken = env["AWS_SESSION_TOKEN"] || undefined;
  const loopback = { accessKeyId: "loopback", secretAccessKey: "loopback" };
  return accessKeyId && secretAccessKey
    ? [loopback, { accessKeyId, secretAccessKey, sessionToken }]
    : [loopback];
}

function describe(url: string, harnessArn: string, label: string | undefined): string {
  const model =
    label ??
    `scripted (built in, calls the tools it is told to)\n         For a language model set ${MODEL_VARIABLES}`;
  return `Stand-in for Amazon Bedrock AgentCore, both planes at ${url}
Model    ${model}
Harness  ${harnessArn}
Kept     in memory; requests are signed with the key id and the secret "loopback"

From the official SDK
  new BedrockAgentCoreClient({ endpoint: "${url}", region: "us-west-2",
    credentials: { accessKeyId: "loopback", secretAccessKey: "loopback" } });

From the command line
  loophost run agent.ts "…" --provider agentcore --base-url ${url}

Ctrl-C stops it.`;
}
