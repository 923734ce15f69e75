/**
 * An orchestrator as a process of its own that kills itself at a fault point of the deploy machinery. Driven by
 * `doomed.ts`: settings and the point in the environment, its URL as a line on standard output.
 */
import { loadSettings } from '../../settings.ts';
import { createOrchestratorProcess } from '../../src/orchestrator/main.ts';

const { settings, point } = JSON.parse(process.env.DOOM ?? '{}') as {
  settings: Record<string, unknown>;
  point?: string;
};
const { url, brokerUrl } = await createOrchestratorProcess(loadSettings(settings, {}), {
  editor: false,
  fault: (at) => {
    if (at === point) process.kill(process.pid, 'SIGKILL');
  },
});
process.stdin.resume().once('end', () => process.exit(0));
process.stdout.write(`${JSON.stringify({ url, brokerUrl })}\n`);
