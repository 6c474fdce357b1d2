// Replies that do not end, of a server on loopback read by the AWS SDK: so much is read and no more.

import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

import { expect, it, onTestFinished } from "vitest";

import { Plane } from "../../../src/providers/agentcore/api/client.ts";

const MIB = 1024 * 1024;

/** The control plane of a server that answers without end, and how many MiB it could send. */
async function endless(status: number) {
  const seen = { mib: 0 };
  const server = createServer((_, response) => {
    response.writeHead(status, { "content-type": "application/json" });
    response.write('{"harness":{"name":"');
    const more = () => {
      while (!response.destroyed && seen.mib < 200) {
        seen.mib += 1;
        if (!response.write(Buffer.alloc(MIB, "x"))) break;
      }
    };
    response.on("drain", more);
    more();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const controlBaseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const credentials = { accessKeyId: "any", secretAccessKey: "any" };
  return { seen, plane: new Plane("control", { controlBaseUrl, credentials }, "us-west-2") };
}

it.each([200, 400])("a reply of status %i is read up to 64 MiB [I10]", async (status) => {
  const { seen, plane } = await endless(status);
  const asked = plane.send("GetHarness", { harnessId: "h" }, new AbortController().signal);
  await expect(asked).rejects.toMatchObject({
    code: "reply_too_large",
    message: expect.stringContaining("67108864 bytes"),
  });
  expect(seen.mib).toBeLessThan(80);
});
