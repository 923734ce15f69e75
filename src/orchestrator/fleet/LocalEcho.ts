/** Orchestrator and local fleet as one thing that starts, shows itself and stops. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Settings } from '../../../settings.ts';
import type { RawFlow } from '../../flow/types.ts';
import type { OrchestratorService } from '../types.ts';
import { checkExample, RESULT_TASK, type Verdict } from './check.ts';
import { fleetError } from './errors.ts';
import { LOCAL_FLEET, LocalFleet } from './LocalFleet.ts';
import { assertPortFree } from './ports.ts';
import { StatusLine } from './StatusLine.ts';
import { Steps } from './terminal.ts';

const EXAMPLE = fileURLToPath(new URL('../../../flows/city-etl.json', import.meta.url));

/** What the composition root gives. */
export interface RunningOrchestrator {
  /** Where people and gateways reach it, no trailing slash. */
  readonly url: string;
  readonly service: OrchestratorService;
  close(): Promise<void>;
}

export interface Started {
  readonly service: OrchestratorService;
  /** The application that runs. */
  readonly application: string;
  /** The example, as it stands in flows/. */
  readonly flow: RawFlow;
}

export class LocalEcho {
  readonly #settings: Settings;
  readonly #create: (settings: Settings) => Promise<RunningOrchestrator>;
  readonly #steps = new Steps();
  readonly #fleet: LocalFleet;
  #status: StatusLine | undefined;
  #orchestrator: RunningOrchestrator | undefined;
  #closing: Promise<void> | undefined;

  constructor(settings: Settings, create: (settings: Settings) => Promise<RunningOrchestrator>) {
    this.#settings = settings;
    this.#create = create;
    this.#fleet = new LocalFleet(settings, (line) => this.#say(line));
  }

  /** Starts everything; with `needsExample` the application that runs is the example, whatever else there is. */
  async start(needsExample: boolean = false): Promise<Started> {
    await this.#assertPortsFree();
    this.#steps.next('starting the orchestrator');
    this.#orchestrator = await this.#create(this.#settings);
    const { service, url } = this.#orchestrator;
    await this.#fleet.start(service, url);
    const flow = readExample();
    const application = await this.#exampleIn(service, flow, needsExample);
    this.#steps.done();
    return { service, application, flow };
  }

  /** Prints where everything is and keeps the status line going. */
  show(service: OrchestratorService): void {
    process.stdout.write(`\n${this.#describe(service)}\n\n`);
    this.#status = new StatusLine(service);
    this.#status.start();
  }

  /** Waits until the example has carried its records; see `check.ts`. */
  async check({ service, application, flow }: Started): Promise<Verdict> {
    this.#steps.next('carrying records over every cut wire');
    const verdict = await checkExample(service, application, flow, (line) => this.#steps.detail(line));
    this.#steps.done();
    return verdict;
  }

  /** Stops everything, once; a second call waits for the first. */
  close(failed: boolean = false): Promise<void> {
    this.#closing ??= this.#close(failed);
    return this.#closing;
  }

  /** No time for order: kills what runs. */
  kill(): void {
    this.#fleet.kill();
  }

  async #close(failed: boolean): Promise<void> {
    if (failed) this.#steps.failed();
    this.#status?.stop();
    this.#steps.next('stopping');
    await this.#fleet.stop();
    await this.#orchestrator?.close();
    this.#steps.done();
  }

  #say(line: string): void {
    if (this.#status === undefined) this.#steps.next(line);
    else this.#status.say(line);
  }

  async #assertPortsFree(): Promise<void> {
    const { host, port, broker } = this.#settings;
    await assertPortFree(
      port,
      host,
      'the orchestrator',
      'Stop what listens there, or choose another port with ECHO_PORT=<port>.',
    );
    if (broker.url === undefined) {
      const remedy = 'Stop what listens there, or choose another port with ECHO_BROKER_PORT=<port>.';
      await assertPortFree(broker.port, host, 'the embedded broker', remedy);
    }
    await this.#fleet.assertPortsFree();
  }

  /** The example, deployed when the store has no application yet, or for a check when it lacks the example. */
  async #exampleIn(service: OrchestratorService, flow: RawFlow, needed: boolean): Promise<string> {
    const known = service.applications();
    const example = known.find(({ id }) => RESULT_TASK in service.application(id).placement);
    const other = needed ? undefined : known[0];
    if (example !== undefined) return example.id;
    if (other !== undefined) return other.id;
    this.#steps.next('deploying the example application');
    const deployment = await service.deploy({ flow, name: 'City sensors', origin: 'start' });
    return deployment.application;
  }

  #describe(service: OrchestratorService): string {
    const { url } = this.#orchestrator!;
    const rows: [string, string, string][] = [
      ['Editor', `${url}/editor`, 'draw a flow, say what runs where, Deploy'],
      ['Fleet', `${url}/`, 'gateways, applications, traffic'],
      ['API', `${url}/api/v1/openapi.json`, 'or: npm run -s echoctl -- --help'],
    ];
    const order = LOCAL_FLEET.map(({ name }) => name);
    const known = [...service.gateways()].sort((a, b) => order.indexOf(a.id) - order.indexOf(b.id));
    for (const gateway of known) {
      const what = `${gateway.tier}: Node-RED ${gateway.nodeRedVersion}, Node ${gateway.nodeVersion}`;
      rows.push([gateway.id, gateway.adminUrl, what]);
      const hasPage = service
        .applications()
        .some(({ id }) => service.application(id).placement[RESULT_TASK] === gateway.id);
      if (hasPage) rows.push(['Result', `${gateway.adminUrl}/city`, 'what the example publishes']);
    }
    const width = Math.max(...rows.map(([, where]) => where.length));
    const lines = rows.map(([name, where, what]) => `  ${name.padEnd(8)} ${where.padEnd(width)}  ${what}`);
    const login = this.#settings.apiKey === undefined ? [] : ['  Log in with any user name and the API key.'];
    return ['ECHO is running.', '', ...lines, '', ...login, '  Ctrl-C stops it; the data stays.'].join('\n');
  }
}

function readExample(): RawFlow {
  try {
    return JSON.parse(readFileSync(EXAMPLE, 'utf8')) as RawFlow;
  } catch (error) {
    throw fleetError('ECHO_EXAMPLE_UNREADABLE', { message: (error as Error).message, where: EXAMPLE });
  }
}
