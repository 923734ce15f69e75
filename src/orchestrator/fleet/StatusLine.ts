/** The live status of `npm start`: one line that rewrites itself on a terminal, a line every 10 s elsewhere. */
import { type TrafficService, trafficOf, type WireTraffic } from './traffic.ts';

const TERMINAL_MS = 1000;
const PLAIN_MS = 10_000;
/** For a terminal that does not say how wide it is. */
const WIDTH = 80;

export class StatusLine {
  readonly #service: TrafficService;
  readonly #out: NodeJS.WriteStream;
  #timer: NodeJS.Timeout | undefined;
  #last: { at: number; records: number } | undefined;

  constructor(service: TrafficService, out: NodeJS.WriteStream = process.stdout) {
    this.#service = service;
    this.#out = out;
  }

  start(): void {
    this.#rate(this.#records());
    this.#timer = setInterval(() => this.#show(), this.#out.isTTY ? TERMINAL_MS : PLAIN_MS);
  }

  /** Writes a line of its own without disturbing the status. */
  say(line: string): void {
    this.#out.write(`${this.#out.isTTY ? '\r\x1b[K' : ''}${line}\n`);
  }

  stop(): void {
    clearInterval(this.#timer);
    if (this.#timer !== undefined && this.#out.isTTY) this.#out.write('\r\x1b[K');
    this.#timer = undefined;
  }

  #show(): void {
    const line = this.#describe();
    if (!this.#out.isTTY) this.#out.write(`${line}\n`);
    else this.#out.write(`\r\x1b[K${line.slice(0, (this.#out.columns || WIDTH) - 1)}`);
  }

  #describe(): string {
    const gateways = this.#service.gateways();
    const up = gateways.filter(({ health }) => health === 'up').length;
    const parts = [`${up}/${gateways.length} gateways up`];
    for (const { name, version, status } of this.#service.applications()) {
      parts.push(`${name} v${version} ${status}`);
    }
    const traffic = this.#traffic();
    const records = this.#records();
    const lost = traffic.reduce((total, wire) => total + wire.lost, 0);
    parts.push(`${number(records)} records over ${traffic.length} cut wires`, `${this.#rate(records)}/s`);
    parts.push(`${number(lost)} lost`);
    return parts.join(' · ');
  }

  #traffic(): WireTraffic[] {
    return this.#service.applications().flatMap(({ id }) => trafficOf(this.#service, id));
  }

  #records(): number {
    return this.#traffic().reduce((total, wire) => total + wire.records, 0);
  }

  #rate(records: number): string {
    const now = Date.now();
    const last = this.#last;
    this.#last = { at: now, records };
    if (last === undefined || records < last.records) return '0';
    return number(Math.round(((records - last.records) * 1000) / (now - last.at)));
  }
}

const number = (value: number): string => value.toLocaleString('en');
