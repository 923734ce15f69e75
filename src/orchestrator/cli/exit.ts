/** Exit codes of echoctl (docs/cli.md). */
import type { Shown } from './client.ts';

export const EXIT = {
  ok: 0,
  /** The orchestrator refused, or a plan has something that would be refused. */
  refused: 1,
  /** The command line or the file is wrong; nothing was asked of the orchestrator. */
  usage: 2,
  unreachable: 3,
  /** The orchestrator failed, or something else answered. */
  broken: 4,
  /** `diff`: a gateway holds something else than what was deployed there. */
  drift: 5,
} as const;

export function exitCodeOf({ code }: Pick<Shown, 'code'>): number {
  switch (code) {
    case 'ECHO_CLI_FILE_UNREADABLE':
    case 'ECHO_CLI_FILE_NOT_JSON':
    case 'ECHO_CLI_USAGE':
      return EXIT.usage;
    case 'ECHO_CLI_UNREACHABLE':
      return EXIT.unreachable;
    case 'ECHO_CLI_ANSWER_UNREADABLE':
    case 'ECHO_INTERNAL':
      return EXIT.broken;
    default:
      return EXIT.refused;
  }
}
