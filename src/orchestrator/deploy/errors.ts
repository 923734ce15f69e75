/** Errors of plan and deploy. */
import { defineErrors } from '../../wire/errors.ts';

export const deployError = defineErrors({
  ECHO_DEPLOY_BUSY: {
    status: 409,
    title: 'The application is being deployed already.',
    remedy: 'Wait until the other deploy has ended, then try again.',
  },
  ECHO_DRIFT: {
    status: 409,
    title: 'Nodes of the application were edited by hand on a gateway.',
    remedy: 'Look at `echoctl diff APP`; deploy with --overwrite to put back what ECHO deployed.',
  },
  ECHO_VERSION_STALE: {
    status: 409,
    title: 'The application has a newer version than the one this deploy was made from.',
    remedy: 'Fetch the current version, apply the change to it and deploy again.',
  },
  ECHO_DRAFT_UNSAVED: {
    status: 409,
    title: 'The canvas holds changes of this application that were never deployed.',
    remedy: 'Deploy or undo them in the editor, or deploy with --overwrite-draft to replace them.',
  },
  ECHO_GATEWAY_OFFLINE: {
    status: 409,
    title: 'A gateway this deploy must change is offline.',
    remedy: 'Bring it back, or deploy with --allow-offline: it is completed when the gateway returns.',
  },
  ECHO_NODE_TYPE_MISSING: {
    status: 422,
    title: 'A gateway does not have a node type its fragment needs.',
    remedy: 'Install the package that brings the type on that gateway, or place the node elsewhere.',
  },
  ECHO_ID_CONFLICT: {
    status: 409,
    title: 'A node id of the application is used by something else on the gateway.',
    remedy: 'Give the node another id: in the editor, copy it, paste the copy and delete the original.',
  },
  ECHO_STREAM_NOT_DRAINED: {
    status: 409,
    title: 'Records that wait in a stream would be lost by this change.',
    remedy:
      'Bring the gateway back and try again, or wait for it with --drain (up to --drain-ms); with --discard the records are given up, as declared loss.',
  },
  ECHO_DRAIN_TIMEOUT: {
    status: 504,
    title: 'Tasks did not finish the messages they work on, or streams did not drain, in time.',
    remedy:
      'Try again with a longer --drain-ms; --force goes on although tasks are busy, --discard gives up what streams hold.',
  },
  ECHO_TASK_UNKNOWN: {
    status: 404,
    title: 'No deployed application has such a task.',
    remedy:
      'Look at the tasks with `echoctl app show APP`; nodes that were never deployed have no place yet.',
  },
  ECHO_GATEWAY_IN_USE: {
    status: 409,
    title: 'Applications still run on this gateway.',
    remedy: 'Stop or move them first, or take the gateway out with --force.',
  },
  ECHO_IMPORT_NOTHING: {
    status: 422,
    title: 'The gateway has no tab to import.',
    remedy: "Name tabs of its own on which something runs; tabs of deployed applications are ECHO's already.",
  },
});
