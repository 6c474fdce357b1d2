// Runs the provider contract on the provider of docs/providers.md, where it was copied to: beside this file, as nimbus.ts.
// Prints one line of JSON: how many cases there are, and which failed.

import type { Provider } from "loophost";
import { providerContract } from "loophost/testing";

import { nimbusHost } from "./nimbus-host.ts";

/** The sample of the page, which is not there in the repository. */
const { nimbus } = (await import(new URL("nimbus.ts", import.meta.url).href)) as {
  nimbus: (options: { baseUrl: string; apiKey: string }) => Provider;
};
const failed: string[] = [];
for (const { name, check } of providerContract) {
  const made = check(async (turns) => {
    const host = await nimbusHost(turns);
    return { ...host, provider: () => nimbus({ baseUrl: host.baseUrl, apiKey: "nimbus-key" }) };
  });
  await made.catch((thrown: unknown) => failed.push(`${name}: ${String(thrown)}`));
}
console.log(JSON.stringify({ cases: providerContract.length, failed }));
