/** Errors of the orchestrator's store. */
import { defineErrors } from '../../wire/errors.ts';

export const storeError = defineErrors({
  ECHO_STORE_UNUSABLE: {
    status: 500,
    title: 'The store of the orchestrator cannot be opened.',
    remedy:
      'Check that the data folder (ECHO_DATA_DIR) exists, is writable and is on a disk with free space.',
  },
  ECHO_STORE_LOCKED: {
    status: 500,
    title: 'Another orchestrator uses this data folder.',
    remedy: 'Stop the other orchestrator, or give this one a data folder of its own (ECHO_DATA_DIR).',
  },
  ECHO_STORE_NEWER: {
    status: 500,
    title: 'The store was written by a newer ECHO.',
    remedy: 'Start the newer ECHO again, or restore a copy of the data folder made before the upgrade.',
  },
  ECHO_STORE_KEY: {
    status: 500,
    title: 'A secret in the store was not sealed with the key beside it.',
    remedy: 'Put the secret.key back that belongs to this data folder; without it, enrol the gateways anew.',
  },
  ECHO_APP_UNKNOWN: {
    status: 404,
    title: 'There is no such application.',
    remedy: 'List the applications with `echoctl app ls`.',
  },
  ECHO_VERSION_UNKNOWN: {
    status: 404,
    title: 'The application has no such version.',
    remedy: 'List its versions with `echoctl app history APP`.',
  },
});
