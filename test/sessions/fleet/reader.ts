// Somebody who follows a session, as a process of its own: `reader.ts JOB`; tells each event as it comes.

import { sessions } from "loophost/sessions";

import type { ReaderJob } from "./parts.ts";
import { openParts } from "./parts.ts";

const job = JSON.parse(process.argv[2] ?? "{}") as ReaderJob;
const app = sessions(openParts(job));
process.once("disconnect", () => process.exit(1));
for await (const event of app.get(job.id).follow({ after: job.after })) process.send?.(event);
