/** Entry of echoctl. */
import { runCli } from './program.ts';
import { processTerminal } from './terminal.ts';

// The reader of a pipe may leave early (`echoctl app ls | head -1`): that is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});
process.exitCode = await runCli(process.argv.slice(2), processTerminal());
