/**
 * Preloaded into every local gateway: ends it when its parent is gone, however the parent ended. The parent holds
 * the other end of standard input and never writes to it.
 */
const GRACE_MS = 3000;

function end() {
  setTimeout(() => process.kill(process.pid, 'SIGKILL'), GRACE_MS);
  process.kill(process.pid, 'SIGTERM');
}

for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});
process.stdin.once('end', end).once('error', end).resume();
