// What a worker does with the connections that Restate keeps to it.

import { once } from "node:events";
import { connect } from "node:http2";

import { expect, it, onTestFinished } from "vitest";

import { listenFor } from "../../../src/engines/restate/endpoint.ts";

it("has Restate connect anew, but not again within seconds, and takes the new connection", async () => {
  const endpoint = await listenFor((_, response) => response.end("here"), { port: 0 });
  onTestFinished(() => endpoint.leave());
  const first = connect(endpoint.url);
  await once(first, "remoteSettings");
  endpoint.turnAway();
  await once(first, "close");

  const second = connect(endpoint.url);
  await once(second, "remoteSettings");
  endpoint.turnAway();
  const reply = second.request({ ":path": "/" });
  const [headers] = await once(reply, "response");
  expect(headers).toMatchObject({ ":status": 200 });
  expect([first.destroyed, second.destroyed]).toEqual([true, false]);
  second.destroy();
});
