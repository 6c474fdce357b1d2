/**
 * The SDK as transport: it signs and sends, once, and turns refusals into its errors. Bodies of event streams are taken
 * from it undecoded. Its packages are loaded with the first request.
 */

import { LoophostError } from "../../../core/errors.ts";
import { isObject } from "../../../core/json.ts";
import type { AgentCoreConnectionOptions } from "./settings.ts";
import { credentialsFor, readToken } from "./settings.ts";

/** What is used of a client of the AWS SDK. */
export interface AwsClient {
  // oxlint-disable-next-line typescript/no-explicit-any -- the SDK's own takes its particular commands alone, and has to fit
  send(command: any, options?: { readonly abortSignal?: AbortSignal }): Promise<unknown>;
}

/** A body of an event stream as the SDK received it, or what its decoder made of it. */
export type StreamBody =
  | { readonly is: "bytes"; readonly contentType: string; readonly body: AsyncIterable<Uint8Array> }
  | { readonly is: "decoded"; readonly events: AsyncIterable<unknown> };

interface Command {
  readonly middlewareStack?: {
    add(
      middleware: (
        next: (args: unknown) => Promise<{ response: unknown }>,
      ) => (args: unknown) => Promise<{ response: unknown }>,
      options: { readonly step: "deserialize"; readonly name: string; readonly priority: "low" },
    ): void;
  };
}
type Module = Readonly<Record<string, unknown>>;

/** One of the service's two planes. */
export class Plane {
  readonly #which: "data" | "control";
  readonly #options: AgentCoreConnectionOptions;
  readonly #region: string | undefined;
  #loaded: Promise<{ readonly client: AwsClient; readonly module: Module }> | undefined;

  constructor(which: "data" | "control", options: AgentCoreConnectionOptions, region: string | undefined) {
    this.#which = which;
    this.#options = options;
    this.#region = region;
  }

  /** Sends a command by its name; rejects with what the SDK threw. */
  async send(name: string, input: object, signal: AbortSignal): Promise<Record<string, unknown>> {
    const { client, command } = await this.#command(name, input);
    const output = await client.send(command, { abortSignal: signal });
    if (isObject(output)) return output;
    throw new LoophostError("host_protocol", `AgentCore answered ${name} with something that is no object.`);
  }

  /** Sends a command that is answered with an event stream; resolves once its headers are there. */
  async stream(name: string, input: object, signal: AbortSignal, member: string): Promise<StreamBody> {
    const { client, command } = await this.#command(name, input);
    let taken: StreamBody | undefined;
    command.middlewareStack?.add(
      (next) => async (args) => {
        const result = await next(args);
        const { response } = result;
        if (!isObject(response) || response["statusCode"] !== 200) return result;
        taken = takeBody(response);
        return { ...result, response: Object.assign(response, { body: noBody() }) };
      },
      { step: "deserialize", name: "loophostTakesTheBody", priority: "low" },
    );
    const output = await client.send(command, { abortSignal: signal });
    if (taken !== undefined) return taken;
    const events = isObject(output) ? output[member] : undefined;
    if (isAsyncIterable(events)) return { is: "decoded", events };
    throw new LoophostError("host_protocol", "AgentCore answered without an event stream.", {
      mayRetry: false,
    });
  }

  async #command(name: string, input: object): Promise<{ client: AwsClient; command: Command }> {
    const { client, module } = await (this.#loaded ??= this.#load());
    const Constructor = module[`${name}Command`];
    if (typeof Constructor !== "function")
      throw new LoophostError(
        "missing_dependency",
        `${PACKAGES[this.#which]} is too old: it has no ${name}.`,
      );
    return { client, command: Reflect.construct(Constructor, [input]) };
  }

  async #load(): Promise<{ client: AwsClient; module: Module }> {
    const module = await loadModule(this.#which);
    const given = this.#which === "data" ? this.#options.client : this.#options.controlClient;
    return { module, client: given ?? makeClient(module, this.#which, this.#options, this.#region) };
  }
}

const PACKAGES = {
  data: "@aws-sdk/client-bedrock-agentcore",
  control: "@aws-sdk/client-bedrock-agentcore-control",
} as const;

const CONNECT_MS = 10_000;
/** A stream holds its socket for as long as it runs: with the SDK's 50, the next session would wait without a word. */
const MAX_SOCKETS = 500;

function loadModule(which: "data" | "control"): Promise<Module> {
  const loading: Promise<Module> =
    which === "data"
      ? import("@aws-sdk/client-bedrock-agentcore")
      : import("@aws-sdk/client-bedrock-agentcore-control");
  return loading.catch(() => {
    throw new LoophostError(
      "missing_dependency",
      `agentcore() needs the package ${PACKAGES[which]}: npm install ${PACKAGES[which]}`,
    );
  });
}

function makeClient(
  module: Module,
  which: "data" | "control",
  options: AgentCoreConnectionOptions,
  region: string | undefined,
): AwsClient {
  const { bearerToken, baseUrl, controlBaseUrl } = options;
  const endpoint = which === "data" ? baseUrl : controlBaseUrl;
  const credentials = credentialsFor(options, endpoint);
  const Client = module[which === "data" ? "BedrockAgentCoreClient" : "BedrockAgentCoreControlClient"];
  if (typeof Client !== "function")
    throw new LoophostError("missing_dependency", `${PACKAGES[which]} has no client to make.`);
  return Reflect.construct(Client, [
    {
      ...(region !== undefined && { region }),
      // A second attempt would be a second run of the agent. What may be repeated is decided by whoever sends.
      maxAttempts: 1,
      requestHandler: {
        connectionTimeout: CONNECT_MS,
        httpsAgent: { keepAlive: true, maxSockets: MAX_SOCKETS },
        httpAgent: { keepAlive: true, maxSockets: MAX_SOCKETS },
      },
      ...(endpoint !== undefined && { endpoint }),
      ...(credentials !== undefined && { credentials }),
      // Only the data plane takes a token.
      ...(which === "data" && bearerToken !== undefined && bearer(bearerToken)),
    },
  ]);
}

/** The token as the only way to sign, so that the SDK looks for no AWS credentials. */
function bearer(bearerToken: NonNullable<AgentCoreConnectionOptions["bearerToken"]>): object {
  const schemeId = "smithy.api#httpBearerAuth";
  return {
    httpAuthSchemeProvider: () => [{ schemeId }],
    httpAuthSchemes: [
      {
        schemeId,
        identityProvider: () => async () => ({ token: await readToken(bearerToken) }),
        signer: {
          sign: async (
            request: { readonly headers: Record<string, string> },
            { token }: { readonly token: string },
          ) => Object.assign(request, { headers: { ...request.headers, authorization: `Bearer ${token}` } }),
        },
      },
    ],
  };
}

function takeBody({ headers, body }: Record<string, unknown>): StreamBody {
  const type = isObject(headers) ? headers["content-type"] : undefined;
  const contentType = typeof type === "string" ? type : "";
  if (isAsyncIterable(body)) return { is: "bytes", contentType, body };
  throw new LoophostError("host_protocol", "AgentCore answered without a body.", { mayRetry: false });
}

async function* noBody(): AsyncGenerator<Uint8Array> {
  // The SDK's decoder is given an empty stream.
}

function isAsyncIterable(value: unknown): value is AsyncIterable<never> {
  return typeof value === "object" && value !== null && Symbol.asyncIterator in value;
}
