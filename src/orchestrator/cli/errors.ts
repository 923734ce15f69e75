/** What echoctl itself can meet before or beside an answer of the orchestrator. */
import { defineErrors } from '../../wire/errors.ts';

export const cliError = defineErrors({
  ECHO_CLI_FILE_UNREADABLE: {
    status: 400,
    title: 'The file cannot be read.',
    remedy: 'Check its path and permissions, or give "-" to read the flow from standard input.',
  },
  ECHO_CLI_FILE_NOT_JSON: {
    status: 400,
    title: 'The file is not JSON.',
    remedy: 'Correct the text at the place named, or export the flow from Node-RED again.',
  },
  ECHO_CLI_USAGE: {
    status: 400,
    title: 'The command line cannot be understood.',
    remedy: 'See "echoctl help" or "echoctl help COMMAND".',
  },
  ECHO_CLI_UNREACHABLE: {
    status: 503,
    title: 'The orchestrator cannot be reached.',
    remedy: 'Start it with "npm start" (or "echoctl up"), or name another one with --url or ECHO_URL.',
  },
  ECHO_CLI_ANSWER_UNREADABLE: {
    status: 502,
    title: 'The answer is not one that an ECHO orchestrator gives.',
    remedy: 'Check that --url or ECHO_URL leads to the orchestrator, and that both are of the same release.',
  },
});
