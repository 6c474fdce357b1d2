// Somebody who posts to a session, as a process of its own: `poster.ts JOB`; tells the receipts.

import { sessions } from "loophost/sessions";

import type { PosterJob } from "./parts.ts";
import { openParts } from "./parts.ts";

const job = JSON.parse(process.argv[2] ?? "{}") as PosterJob;
const { engine, ...parts } = openParts(job);
const deadly = {
  wake: () => {
    process.kill(process.pid, "SIGKILL");
    return new Promise<never>(() => undefined);
  },
  work: () => Promise.reject(new Error("it only posts")),
  close: () => Promise.resolve(),
};
const app = sessions({ ...parts, engine: job.diesInWake === true ? deadly : engine });
const chat = app.get(job.id);
const posts = Array.from({ length: job.times }, () => {
  if (job.post === "send") return chat.send(job.what, { key: job.key });
  return job.post === "approve" ? chat.approve(job.what) : chat.deny(job.what);
});
process.send?.(await Promise.all(posts));
await app.close();
await parts.store.close();
process.disconnect?.();
