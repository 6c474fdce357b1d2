/** The vault of API keys: what goes in is not shown again. */

import { Refusal, invalid } from "./refusal.ts";

/** The API keys of an account. */
export class ApiKeys {
  readonly #all = new Map<string, object>();

  /** Answers an operation of the identities by its name; undefined when it is none of these. */
  answer(operation: string, body: Record<string, unknown>): [number, object | undefined] | undefined {
    const { name, apiKey, maxResults, nextToken } = body;
    if (operation === "ListApiKeyCredentialProviders") {
      const from = Number(nextToken ?? 0);
      const size = Number(maxResults ?? 100);
      const credentialProviders = [...this.#all.values()].slice(from, from + size);
      const more = from + size < this.#all.size ? { nextToken: String(from + size) } : {};
      return [200, { credentialProviders, ...more }];
    }
    const verb = /^(Create|Get|Update|Delete)ApiKeyCredentialProvider$/.exec(operation)?.[1];
    if (verb === undefined) return undefined;
    if (typeof name !== "string" || !/^[a-zA-Z0-9_-]{1,128}$/.test(name)) throw invalid("name", "bad");
    const kept = this.#all.get(name);
    if (verb === "Create" && kept !== undefined)
      throw new Refusal(409, "ConflictException", `${name} exists already.`);
    if (verb !== "Create" && kept === undefined)
      throw new Refusal(404, "ResourceNotFoundException", `There is no ${name}.`);
    if (verb === "Delete") return this.#all.delete(name) ? [204, undefined] : undefined;
    if (verb === "Get") return [200, kept ?? {}];
    if (typeof apiKey !== "string" || apiKey === "") throw invalid("apiKey", "Member must not be empty");
    const shown = showKey(name);
    this.#all.set(name, shown);
    return [verb === "Create" ? 201 : 200, shown];
  }
}

function showKey(name: string): object {
  const vault = "arn:aws:bedrock-agentcore:us-west-2:123456789012:token-vault/default";
  return {
    name,
    credentialProviderArn: `${vault}/apikeycredentialprovider/${name}`,
    apiKeySecretArn: { secretArn: `arn:aws:secretsmanager:us-west-2:123456789012:secret:${name}` },
    // Here the wire has seconds, where harnesses have strings.
    createdTime: 1_795_132_800,
    lastUpdatedTime: 1_795_132_800,
  };
}
