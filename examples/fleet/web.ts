// The web process: has no agents and no key of a model. POST /jobs/ID says something to a session, GET /jobs/ID follows it.

import { createServer } from "node:http";
import { text } from "node:stream/consumers";

import { sessions } from "loophost/sessions";

import { openStore } from "./shared.ts";

const app = sessions({ store: openStore() });

const server = createServer((request, response) => {
  const [, id = ""] = /^\/jobs\/([\w-]{1,64})$/.exec(request.url ?? "") ?? [];
  const answer = async (): Promise<void> => {
    if (id === "") return void response.writeHead(404).end();
    if (request.method === "POST") {
      const chat = await app.create("jobs", { id });
      const receipt = await chat.send(await text(request), { key: `job ${id}` });
      response.end(JSON.stringify(receipt));
      return;
    }
    const gone = new AbortController();
    response.on("close", () => gone.abort());
    for await (const event of app.get(id).follow({ untilIdle: true, signal: gone.signal }))
      response.write(`${JSON.stringify(event)}\n`);
    response.end();
  };
  answer().catch(() => response.destroy());
});

const { PORT: port = "0", HOST: host = "127.0.0.1" } = process.env;
server.listen(Number(port), host, () => {
  const address = server.address();
  if (typeof address === "object") console.log(`ready ${address?.port}`);
});
