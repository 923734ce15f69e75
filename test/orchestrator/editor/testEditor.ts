/** The design editor on an HTTP server of its own, before an orchestrator that only records. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import express from 'express';
import pino from 'pino';
import { loadSettings } from '../../../settings.ts';
import { createDesignEditor, type DesignEditor } from '../../../src/orchestrator/editor/DesignEditor.ts';
import type { PaletteSource } from '../../../src/orchestrator/editor/palette.ts';
import type { Disposables } from '../../kit/cleanup.ts';
import { RecordingService } from './recordingService.ts';

export interface TestEditor {
  readonly url: string;
  readonly recorder: RecordingService;
  readonly editor: DesignEditor;
  /** Where the editor keeps its files. */
  readonly folder: string;
}

export async function startTestEditor(
  kit: Disposables,
  options: {
    apiKey?: string;
    recorder?: RecordingService;
    palette?: (gateway: string) => PaletteSource;
  } = {},
): Promise<TestEditor> {
  const recorder = options.recorder ?? new RecordingService();
  const app = express();
  const server = createServer(app);
  const settings = loadSettings(
    { dataDir: kit.folder('echo-editor-'), ...(options.apiKey ? { apiKey: options.apiKey } : {}) },
    {},
  );
  const editor = await createDesignEditor({
    service: recorder.service,
    settings,
    log: pino({ level: 'silent' }),
    server,
    ...(options.palette === undefined ? {} : { palette: options.palette }),
  });
  app.use(editor.path, editor.handler);
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  kit.add(server, async () => {
    await editor.stop();
    server.closeAllConnections();
    await new Promise((done) => server.close(done));
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/editor`,
    recorder,
    editor,
    folder: join(settings.dataDir, 'editor'),
  };
}
