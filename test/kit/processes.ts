/** Processes of this machine, to see that none is left. */
import { execFileSync } from 'node:child_process';

export interface ProcessEntry {
  readonly pid: number;
  readonly parent: number;
  readonly command: string;
}

/** Every process whose command line contains `text`, without this one and what it runs to find out. */
export function processesWith(text: string): ProcessEntry[] {
  return allProcesses().filter(({ pid, command }) => pid !== process.pid && command.includes(text));
}

/** The processes that descend from `pid`. */
export function descendantsOf(pid: number): ProcessEntry[] {
  const all = allProcesses();
  const children = (parent: number): ProcessEntry[] =>
    all.filter((entry) => entry.parent === parent).flatMap((entry) => [entry, ...children(entry.pid)]);
  return children(pid);
}

/** Zombies, which nobody has collected yet, are no longer running. */
export function isRunning(pid: number): boolean {
  return allProcesses().some((entry) => entry.pid === pid);
}

function allProcesses(): ProcessEntry[] {
  const lines = execFileSync('ps', ['-eo', 'pid=,ppid=,stat=,args='], { encoding: 'utf8' }).split('\n');
  return lines.flatMap((line) => {
    const match = /^\s*(\d+)\s+(\d+)\s+(\S+)\s+(.*)$/.exec(line);
    if (match === null || match[3]!.startsWith('Z') || match[4]!.startsWith('ps -eo')) return [];
    return [{ pid: Number(match[1]), parent: Number(match[2]), command: match[4]! }];
  });
}
