/**
 * A second Ctrl-C ends the process also while a tool blocks the event loop: then no signal handler of ours runs, since Node
 * calls them from that very loop, and both keys would be kept for later. A small shell of the terminal's foreground group gets
 * the same signals, counts them, and kills this process when it has not left half a second after the second one.
 */

import { spawn } from "node:child_process";

/** `cat` ends with the pipe, that is, with this process; `wait` comes back at once for a signal, where `read` may not. */
const WATCH = `
exec 3<&0
cat <&3 >/dev/null &
alive=$!
leave() { sleep 0.5; kill -0 $alive && kill -KILL $1; }
count=0
trap 'count=$((count + 1)); [ $count -lt 2 ] || { leave '$1' & exit; }' INT
while kill -0 $alive; do wait $alive; done`;

/** Begins to watch at a terminal, where Ctrl-C goes to the whole group; gives a function that ends it. */
export function watchCtrlC(): () => void {
  if (!process.stderr.isTTY || process.platform === "win32") return () => undefined;
  const watcher = spawn("/bin/sh", ["-c", WATCH, "sh", String(process.pid)], {
    stdio: ["pipe", "ignore", "ignore"],
  });
  // Without a shell the watchdog is missing; everything else works.
  watcher.on("error", () => undefined);
  watcher.stdin.on("error", () => undefined);
  watcher.unref();
  return () => watcher.stdin.destroy();
}
