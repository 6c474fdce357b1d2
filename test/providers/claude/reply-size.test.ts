// Replies that do not end: whatever is asked of the control plane, so much is read and no more.

import { createClient } from "loophost/providers/claude";
import { expect, it } from "vitest";

const MIB = 1024 * 1024;

/** A client of a host whose replies are a valid beginning and then go on for ever, and how many MiB were read of them. */
function endless(status = 200) {
  const seen = { mib: 0, isCancelled: false };
  const fetch = () => {
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => controller.enqueue(new TextEncoder().encode('{"id":"x","data":["')),
      pull(controller) {
        seen.mib += 1;
        controller.enqueue(new Uint8Array(MIB).fill(120));
      },
      cancel: () => void (seen.isCancelled = true),
    });
    return Promise.resolve(new Response(body, { status, headers: { "content-type": "application/json" } }));
  };
  return { seen, client: createClient({ baseUrl: "http://127.0.0.1", fetch, retry: { attempts: 1 } }) };
}

type Client = ReturnType<typeof createClient>;

const READS: Record<string, (client: Client) => unknown> = {
  "an agent": ({ agents }) => agents.get("agent_1"),
  "the list of agents": ({ agents }) => Array.fromAsync(agents.list({ limit: 1 })),
  "an environment": ({ environments }) => environments.get("env_1"),
  "the list of environments": ({ environments }) => Array.fromAsync(environments.list({ limit: 1 })),
  "a session": ({ sessions }) => sessions.get("sesn_1"),
  "the list of sessions": ({ sessions }) => Array.fromAsync(sessions.list({ limit: 1 })),
  "the events of a session": ({ sessions }) => Array.fromAsync(sessions.events.list("sesn_1", { limit: 1 })),
  "a file's record": ({ files }) => files.get("file_1"),
  "the list of files": ({ files }) => Array.fromAsync(files.list({ limit: 1 })),
};

it.each(Object.entries(READS))("%s is read up to 64 MiB [I10]", async (_, read) => {
  const { client, seen } = endless();
  await expect(read(client)).rejects.toMatchObject({
    code: "reply_too_large",
    message: expect.stringContaining("67108864 bytes"),
  });
  expect(seen.mib).toBeLessThan(68);
  expect(seen.isCancelled).toBe(true);
});

it("a file is downloaded up to 32 MiB, or as many bytes as the caller says", async () => {
  const { client, seen } = endless();
  await expect(client.files.download("file_1")).rejects.toMatchObject({
    code: "reply_too_large",
    message: expect.stringContaining("33554432 bytes"),
  });
  expect(seen.mib).toBeLessThan(36);
  const other = endless();
  const little = other.client.files.download("file_1", { maxBytes: 10 });
  await expect(little).rejects.toMatchObject({ code: "reply_too_large" });
  expect(other.seen.mib).toBeLessThan(4);
  await expect(client.files.download("file_1", { maxBytes: -1 })).rejects.toMatchObject({
    code: "invalid_options",
  });
});

it("of a refusal the beginning is read and quoted", async () => {
  const { client, seen } = endless(400);
  await expect(client.agents.get("agent_1")).rejects.toMatchObject({ code: "host_rejected", status: 400 });
  expect(seen.mib).toBeLessThan(4);
  expect(seen.isCancelled).toBe(true);
});

it("a deletion that is answered without end was done", async () => {
  const { client, seen } = endless();
  await client.files.delete("file_1");
  expect(seen.mib).toBeLessThan(68);
});
