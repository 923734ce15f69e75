/**
 * One Node-RED a folder: logs, cursors and identity have one writer. The lock is a file that names its process, so that
 * a lock whose process died, killed or not, is nobody's. Processes of two containers cannot see each other: each
 * container needs a folder of its own.
 */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { agentError } from './errors.ts';

interface Holder {
  readonly pid: number;
  /** When the process started, told apart over restarts of the machine; '' where it cannot be told. */
  readonly started: string;
}

/**
 * Throws ECHO_GATEWAY_FOLDER_IN_USE while another process that lives holds the folder, ECHO_GATEWAY_DISK. Ends with
 * this process.
 */
export function lockFolder(folder: string): void {
  const path = join(folder, 'lock.json');
  const holder = readHolder(path);
  if (holder !== undefined && lives(holder)) throw inUse(folder, `the process ${holder.pid}`);
  const own: Holder = { pid: process.pid, started: startOf(process.pid) ?? '' };
  try {
    rmSync(path, { force: true });
    // Of two that start at once, the second does not get the file.
    writeFileSync(path, JSON.stringify(own), { flag: 'wx' });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') throw inUse(folder, 'a process that is starting, too');
    throw agentError('ECHO_GATEWAY_DISK', { message: `${path}: ${message}`, where: folder, cause: error });
  }
}

const inUse = (folder: string, by: string): Error =>
  agentError('ECHO_GATEWAY_FOLDER_IN_USE', { message: `${folder} is in use by ${by}`, where: folder });

function readHolder(path: string): Holder | undefined {
  try {
    const { pid, started } = JSON.parse(readFileSync(path, 'utf8')) as Partial<Holder>;
    return typeof pid === 'number' && typeof started === 'string' ? { pid, started } : undefined;
  } catch {
    return undefined;
  }
}

/** False for this process itself: Node-RED may be started again in it, or have had the same number in a former container. */
function lives({ pid, started }: Holder): boolean {
  if (pid === process.pid) return false;
  const now = startOf(pid);
  return now !== undefined && (started === '' || now === '' || started === now);
}

/** Undefined when no such process runs. */
function startOf(pid: number): string | undefined {
  if (process.platform !== 'linux') return runs(pid) ? '' : undefined;
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // After the name, which may hold anything: state is the first field, the start time the twentieth.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' || fields[0] === 'X' ? undefined : `${boot} ${fields[19]}`;
  } catch {
    return runs(pid) ? '' : undefined;
  }
}

function runs(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
