/** API keys of other vendors' models, kept by the service in a vault and named in a harness's model by their ARN. */

import { checkSome, must, NAME } from "../../../core/check-options.ts";
import { LoophostError, toLoophostError } from "../../../core/errors.ts";
import type { Answer, CallOptions, ControlRequests } from "./requests.ts";
import { unexpected } from "./requests.ts";

/** A key the service keeps; the key itself is never shown again. */
export interface ApiKeyRecord {
  readonly name: string;
  /** What a harness's model names as its `apiKeyArn`. */
  readonly credentialProviderArn: string;
  readonly [field: string]: unknown;
}

/** What can be done with API keys. Every method rejects with a LoophostError, and none shows a key. */
export interface ApiKeyCalls {
  /**
   * Keeps a key. The service knows no repeated request by a token, so one whose reply was lost is looked for by its name, and
   * not sent again.
   */
  create(name: string, apiKey: string, options?: CallOptions): Promise<ApiKeyRecord>;
  get(name: string, options?: CallOptions): Promise<ApiKeyRecord>;
  /** Puts another key in its place. */
  update(name: string, apiKey: string, options?: CallOptions): Promise<ApiKeyRecord>;
  list(options?: CallOptions): AsyncIterable<ApiKeyRecord>;
  /** Forgets it; one that is not there is forgotten. */
  delete(name: string, options?: CallOptions): Promise<void>;
}

/** The API keys of an account and region. */
export function apiKeyCalls(requests: ControlRequests): ApiKeyCalls {
  const get: ApiKeyCalls["get"] = async (name, { signal } = {}) => {
    const doing = `Reading API key "${name}"`;
    const request = { command: "GetApiKeyCredentialProvider", input: { name }, doing, signal };
    return toRecord(await requests.repeat(request), doing);
  };
  return {
    create: async (name, apiKey, { signal } = {}) => {
      checkSome("an API key", { name, apiKey }, { name: KEY_NAME, apiKey: NAME }, ["name", "apiKey"]);
      const doing = `Keeping API key "${name}"`;
      const input = { name, apiKey };
      const request = { command: "CreateApiKeyCredentialProvider", input, doing, signal, secrets: [apiKey] };
      try {
        return toRecord(await requests.once(request), doing);
      } catch (thrown) {
        const error = toLoophostError(thrown, "host_failed", doing);
        if (error.code !== "host_failed") throw error;
        // It may have been made all the same.
        const found = await get(name, { signal }).catch(() => undefined);
        if (found !== undefined) return found;
        throw error;
      }
    },
    get,
    update: async (name, apiKey, { signal } = {}) => {
      checkSome("an API key", { name, apiKey }, { name: KEY_NAME, apiKey: NAME }, ["name", "apiKey"]);
      const doing = `Changing API key "${name}"`;
      const input = { name, apiKey };
      const request = { command: "UpdateApiKeyCredentialProvider", input, doing, signal, secrets: [apiKey] };
      return toRecord(await requests.repeat(request), doing);
    },
    list: async function* ({ signal } = {}) {
      const doing = "Listing API keys";
      const request = { command: "ListApiKeyCredentialProviders", input: {}, doing, signal };
      for await (const item of requests.list(request, "credentialProviders")) yield toRecord(item, doing);
    },
    delete: async (name, { signal } = {}) => {
      const request = { command: "DeleteApiKeyCredentialProvider", input: { name }, signal };
      try {
        await requests.repeat({ ...request, doing: `Forgetting API key "${name}"` });
      } catch (thrown) {
        if (!(thrown instanceof LoophostError && thrown.status === 404)) throw thrown;
      }
    },
  };
}

const KEY_NAME = must(
  'up to 128 letters, digits, "-" and "_"',
  (value) => typeof value === "string" && /^[a-zA-Z0-9_-]{1,128}$/.test(value),
);

function toRecord(answer: Answer, doing: string): ApiKeyRecord {
  const { name, credentialProviderArn } = answer;
  if (typeof name !== "string" || typeof credentialProviderArn !== "string")
    throw unexpected(doing, "an API key without name or ARN");
  return { ...answer, name, credentialProviderArn };
}
