/** Folders that the settings name. */
import { accessSync, constants, mkdirSync } from 'node:fs';
import { settingsError } from '../../settings.ts';

/** Makes `path` unless it is there. Throws ECHO_FOLDER_UNUSABLE, naming `setting`. */
export function makeFolder(path: string, setting: string, mode: number = 0o777): void {
  try {
    mkdirSync(path, { recursive: true, mode });
    accessSync(path, constants.W_OK | constants.X_OK);
  } catch (error) {
    throw settingsError('ECHO_FOLDER_UNUSABLE', {
      message: `${setting}: ${(error as Error).message}`,
      where: path,
      cause: error,
    });
  }
}
