/** What can go wrong with wires by hand. */
import { defineErrors } from '../../../../src/wire/errors.ts';

export const handError = defineErrors({
  ECHO_HAND_SETTINGS: {
    status: 422,
    title: 'A wire node is not set up.',
    remedy: 'Open the node named in the message, correct the field and deploy.',
  },
  ECHO_HAND_NO_STREAM: {
    status: 404,
    title: 'No wire by hand here has this name.',
    remedy:
      'Look at the wires of this Node-RED at `/echo/wires`; an `echo out` or `echo in` must name the stream.',
  },
  ECHO_HAND_NODE_TWICE: {
    status: 409,
    title: 'Two nodes of the same kind on this Node-RED name the same stream.',
    remedy:
      'Keep one of them and wire the others to it, across tabs with link nodes; or give them other streams.',
  },
  ECHO_HAND_STREAM_TAKEN: {
    status: 409,
    title: 'Another Node-RED sends this stream already.',
    remedy:
      'Give this stream another name. To move it here instead, delete the `echo out` there, then deploy here again.',
  },
  ECHO_HAND_NAME_TAKEN: {
    status: 409,
    title: 'Another Node-RED takes this stream under the same name.',
    remedy:
      'Give each Node-RED a name of its own in its `echo broker`. If a user folder was copied, delete `echo/` in the copy.',
  },
});
