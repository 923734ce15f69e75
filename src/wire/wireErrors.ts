/** Error codes a task at the end of a wire can meet; each reaches the flow as a catchable error. */
import { defineErrors } from './errors.ts';

export const wireError = defineErrors({
  ECHO_MESSAGE_NOT_CARRIED: {
    status: 422,
    title: 'The message holds something that cannot travel to another gateway.',
    remedy:
      'Remove the property named in the error before the wire that leaves the gateway (a change node can), or keep both tasks on one gateway.',
  },
  ECHO_MESSAGE_TOO_LARGE: {
    status: 413,
    title: 'The message is larger than a wire carries.',
    remedy: 'Split the message, send a reference to the data instead, or keep both tasks on one gateway.',
  },
  ECHO_STREAM_FULL: {
    status: 507,
    title: 'The log of the wire has reached its quota, so the message was refused.',
    remedy:
      'Bring the consuming gateway back or speed it up; until then slow the source down or catch this error.',
  },
  ECHO_STREAM_NOT_OPEN: {
    status: 409,
    title: 'No open wire has this name on this gateway.',
    remedy: 'Deploy the application again so that the wire nodes and the flow agree.',
  },
  ECHO_DEAD_LETTER_UNKNOWN: {
    status: 404,
    title: 'The gateway keeps no dead letter of this number.',
    remedy:
      'Look at those it keeps with `echoctl stream dead ls`; it may have been replayed or dropped meanwhile.',
  },
  ECHO_LOG_WRITE_FAILED: {
    status: 507,
    title: 'The log of the wire could not be written.',
    remedy:
      'Free space on the disk of the Node-RED user folder and check that the Node-RED user may write there.',
  },
  ECHO_DISK_UNUSABLE: {
    status: 500,
    title: 'The folder for wire logs cannot be used.',
    remedy:
      'Check that the Node-RED user folder exists, is writable and is not shared with another Node-RED instance.',
  },
});
