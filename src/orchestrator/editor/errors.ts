import { defineErrors } from '../../wire/errors.ts';

export const editorError = defineErrors({
  ECHO_EDITOR_RUNNING: {
    status: 500,
    title: 'A design editor already runs in this process.',
    remedy: 'Use the running one: Node-RED keeps its state in its modules, one editor a process.',
  },
  ECHO_EDITOR_DRAFT_UNREADABLE: {
    status: 500,
    title: 'The saved canvas of the design editor cannot be read.',
    remedy:
      'Restore the file named in the message from a backup, or move it away to start with the deployed applications.',
  },
  ECHO_EDITOR_PACKAGE_MISSING: {
    status: 500,
    title: 'The gateway package is not built, so the editor would lose placement metadata.',
    remedy: 'Run `npm run build`, then start again.',
  },
});
