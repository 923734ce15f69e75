/** Errors of operating streams. */
import { defineErrors } from '../../wire/errors.ts';

export const streamError = defineErrors({
  ECHO_STREAM_UNKNOWN: {
    status: 404,
    title: 'No deployed application has such a stream.',
    remedy: 'Look at the streams with `echoctl stream ls`; a stream may be named by the task it comes from.',
  },
  ECHO_STREAM_NOT_CONSUMED: {
    status: 404,
    title: 'The gateway does not consume this stream.',
    remedy: 'Name one of the gateways the stream goes to, as `echoctl stream ls` shows them.',
  },
  ECHO_STREAM_GATEWAY_AWAY: {
    status: 409,
    title: 'The gateway that keeps what was asked for is away.',
    remedy: 'Bring it back and ask again: its log and dead letters are on its disk.',
  },
});
