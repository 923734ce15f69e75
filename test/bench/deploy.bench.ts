/**
 * Seconds from submitting a flow to its running: three real gateways, then 100 and 1,000 simulated ones.
 *
 *     npm run -s bench -- deploy [--json] [--runs 5] [--runs1000 3]
 *
 * Every run deploys a new application over the whole fleet (plan, preflight, gates, flows, release) and removes it.
 * The last line is one JSON object.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { pino } from 'pino';
import { loadSettings } from '../../settings.ts';
import { createOrchestratorProcess, type OrchestratorProcess } from '../../src/orchestrator/main.ts';
import { type Disposables, disposables } from '../kit/cleanup.ts';
import { startRealGateway } from '../kit/gateways.ts';
import { programOptions } from '../kit/options.ts';
import { type BenchGateway, fleetOf, flowFor } from './deployFlow.ts';
import { rounded, type Sample, sampleOf } from './sample.ts';

const LINES = ['4.1', '5.0', '5.0'] as const;
/** Enough for a thousand gateways to enrol on one slow core. */
const ENROL_LIMIT_MS = 300_000;

const values = programOptions(
  {
    json: { type: 'boolean', default: false },
    runs: { type: 'string', default: '5' },
    runs1000: { type: 'string', default: '3' },
  },
  ['runs', 'runs1000'],
);
const say = (text: string): void => void (values.json || process.stdout.write(`${text}\n`));

async function startOrchestrator(kit: Disposables): Promise<OrchestratorProcess> {
  const settings = loadSettings({ dataDir: kit.folder('echo-bench-'), port: 0, broker: { port: 0 } }, {});
  const orchestrator = await createOrchestratorProcess(settings, {
    log: pino({ level: 'silent' }),
    editor: false,
  });
  return kit.add(orchestrator, () => orchestrator.close());
}

async function startReal(kit: Disposables, { service, url }: OrchestratorProcess): Promise<BenchGateway[]> {
  const fleet: BenchGateway[] = [
    { name: 'cloud-0', tier: 'cloud' },
    { name: 'fog-1', tier: 'fog' },
    { name: 'edge-2', tier: 'edge' },
  ];
  for (const [i, { name, tier }] of fleet.entries()) {
    const { token } = service.createToken({ name });
    await startRealGateway(kit, {
      version: LINES[i] ?? '5.0',
      name,
      echo: { orchestrator: url, token, name, tier },
    });
  }
  return fleet;
}

async function startSimulated(
  kit: Disposables,
  { service, url }: OrchestratorProcess,
  size: number,
): Promise<BenchGateway[]> {
  const fleet = fleetOf(size);
  const gateways = fleet.map((gateway) => ({
    ...gateway,
    token: service.createToken({ name: gateway.name }).token,
  }));
  const worker = new Worker(new URL('./simulatorWorker.ts', import.meta.url), {
    workerData: { orchestrator: url, gateways },
  });
  kit.add(worker, async () => {
    const ended = new Promise((resolve) => worker.once('exit', resolve));
    worker.postMessage('end');
    await ended;
  });
  await new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject));
  return fleet;
}

async function allUp({ service }: OrchestratorProcess, size: number): Promise<void> {
  const deadline = Date.now() + ENROL_LIMIT_MS;
  for (;;) {
    const up = service.gateways().filter(({ health }) => health === 'up').length;
    if (up === size) return;
    if (Date.now() > deadline) throw new Error(`only ${up} of ${size} gateways are up`);
    await delay(100);
  }
}

/** Deploys and removes the flow `runs` times; seconds of each deploy. */
async function measure(
  label: string,
  runs: number,
  start: (kit: Disposables, orchestrator: OrchestratorProcess) => Promise<BenchGateway[]>,
): Promise<Sample> {
  const kit = disposables();
  try {
    const orchestrator = await startOrchestrator(kit);
    const fleet = await start(kit, orchestrator);
    await allUp(orchestrator, fleet.length);
    const flow = flowFor(fleet);
    const seconds: number[] = [];
    for (let run = 1; run <= runs; run++) {
      const begin = performance.now();
      const { application, status, plan } = await orchestrator.service.deploy({ flow, name: `bench ${run}` });
      seconds.push((performance.now() - begin) / 1000);
      if (status !== 'running' || plan.gateways.length !== fleet.length)
        throw new Error(`run ${run} ended ${status} on ${plan.gateways.length} of ${fleet.length} gateways`);
      await orchestrator.service.remove(application);
    }
    const sample = sampleOf(seconds);
    say(
      `${label}: ${rounded(sample.median)} s (${rounded(sample.min)}–${rounded(sample.max)}, ${runs} runs, ` +
        `${flow.length - 1} tasks)`,
    );
    return sample;
  } finally {
    await kit.end();
  }
}

const runs = Number(values.runs);
const simulated = (size: number, times: number): Promise<Sample> =>
  measure(`${size} simulated gateways`, times, (kit, orchestrator) =>
    startSimulated(kit, orchestrator, size),
  );

const real3 = await measure('3 real gateways (Node-RED 4.1, 5.0, 5.0)', runs, startReal);
const sim3 = await simulated(3, runs);
const sim100 = await simulated(100, runs);
const sim1000 = await simulated(1000, Number(values.runs1000));
const exponent = Math.log10(sim1000.median / sim100.median);
say(`from 100 to 1,000 gateways the time grows with the power ${rounded(exponent)} of their number`);

const spread = ({ runs, min, max }: Sample) => ({ runs, min: rounded(min), max: rounded(max) });
process.stdout.write(
  `${JSON.stringify({
    bench: 'deploy',
    runs,
    real3Seconds: rounded(real3.median),
    sim3Seconds: rounded(sim3.median),
    sim100Seconds: rounded(sim100.median),
    sim1000Seconds: rounded(sim1000.median),
    growth: {
      exponent100To1000: rounded(exponent),
      msPerGatewayAt100: rounded(sim100.median * 10),
      msPerGatewayAt1000: rounded(sim1000.median),
    },
    spread: { real3: spread(real3), sim3: spread(sim3), sim100: spread(sim100), sim1000: spread(sim1000) },
  })}\n`,
);
process.exit(0);
