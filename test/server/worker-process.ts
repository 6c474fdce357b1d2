// A process with the official SDK's worker in it, for a test to kill. Arguments: base URL, environment, folder.

import Anthropic from "@anthropic-ai/sdk";

const [, , baseURL, environmentId = "", workdir = "."] = process.argv;
const client = new Anthropic({ baseURL, apiKey: "k-1", maxRetries: 0 });
await client.beta.environments.work.worker({ environmentId, environmentKey: "k-1", workdir }).run();
