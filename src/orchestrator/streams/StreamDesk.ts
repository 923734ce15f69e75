/** Operating the streams of the fleet: finds the gateway that keeps what is asked for, and asks it. */
import { isEchoError } from '../../wire/errors.ts';
import type {
  Inspection,
  OperationResult,
  Purged,
  Replayed,
  Skipped,
  StreamOperation,
} from '../../wire/operate.ts';
import { wireError } from '../../wire/wireErrors.ts';
import type { Fleet } from '../gateways/types.ts';
import type { CutWire, DeadLetterDetailView, DeadLetterView, StreamsService } from '../types.ts';
import { streamError } from './errors.ts';

export class StreamDesk implements StreamsService {
  readonly #fleet: Fleet;
  readonly #wires: () => readonly CutWire[];

  /** `wires`: every cut wire of the deployed applications. */
  constructor(fleet: Fleet, wires: () => readonly CutWire[]) {
    this.#fleet = fleet;
    this.#wires = wires;
  }

  async inspect(
    given: string,
    { consumer, limit = 20, preview = 200 }: Parameters<StreamsService['inspect']>[1] = {},
  ): Promise<Inspection> {
    const wire = this.#find(given, consumer);
    const { stream } = wire;
    const params = { stream, limit, preview, ...(consumer === undefined ? {} : { consumer }) };
    return this.#ask(wire.from.gateway, { method: 'streams.inspect', params });
  }

  async purge(given: string, consumer?: string): Promise<Purged> {
    const wire = this.#find(given, consumer);
    const params = { stream: wire.stream, ...(consumer === undefined ? {} : { consumer }) };
    return this.#ask(wire.from.gateway, { method: 'streams.purge', params });
  }

  async skip(given: string, consumer: string, count = 1): Promise<Skipped> {
    const { stream } = this.#find(given, consumer);
    return this.#ask(consumer, { method: 'streams.skip', params: { stream, count } });
  }

  /** Of the gateways that are there. */
  async deadLetters(filter: { gateway?: string; stream?: string } = {}): Promise<DeadLetterView[]> {
    const { stream } = filter.stream === undefined ? {} : this.#find(filter.stream);
    if (filter.gateway !== undefined) this.#fleet.get(filter.gateway);
    const all = filter.gateway === undefined ? this.#fleet.list().map(({ id }) => id) : [filter.gateway];
    const params = stream === undefined ? {} : { stream };
    const lists = await Promise.all(
      all
        .filter((gateway) => filter.gateway !== undefined || this.#fleet.online(gateway))
        .map(async (gateway) => {
          const letters = await this.#ask(gateway, { method: 'dead.list', params });
          return letters.map((letter) => ({ gateway, ...letter }));
        }),
    );
    return lists.flat();
  }

  async deadLetter(gateway: string, id: string, preview = 65_536): Promise<DeadLetterDetailView> {
    this.#fleet.get(gateway);
    return { gateway, ...(await this.#ask(gateway, { method: 'dead.show', params: { id, preview } })) };
  }

  async replay(gateway: string, id: string): Promise<Replayed> {
    this.#fleet.get(gateway);
    return this.#ask(gateway, { method: 'dead.replay', params: { id } });
  }

  async drop(gateway: string, id: string): Promise<void> {
    this.#fleet.get(gateway);
    await this.#ask(gateway, { method: 'dead.drop', params: { id } });
  }

  /** By its own name, or by id or name of the task it comes from where that is unique. */
  #find(given: string, consumer?: string): CutWire {
    const all = this.#wires();
    const exact = all.filter(({ stream }) => stream === given);
    const found =
      exact.length > 0 ? exact : all.filter(({ from }) => from.node === given || from.name === given);
    const [wire] = found;
    if (wire === undefined || found.length > 1) {
      const names = found.map(({ stream }) => stream);
      const message =
        wire === undefined ? `There is no stream ${given}.` : `${given} may be ${names.join(' or ')}.`;
      throw streamError('ECHO_STREAM_UNKNOWN', { message, where: given, details: { streams: names } });
    }
    if (consumer === undefined || wire.to.some(({ gateway }) => gateway === consumer)) return wire;
    const goes = [...new Set(wire.to.map(({ gateway }) => gateway))].join(', ');
    const message = `Stream ${wire.stream} goes to ${goes}, not to ${consumer}.`;
    throw streamError('ECHO_STREAM_NOT_CONSUMED', { message, where: consumer });
  }

  /** What the agent knows by a code of the wire is told as such. */
  async #ask<M extends StreamOperation['method']>(
    gateway: string,
    request: Extract<StreamOperation, { method: M }>,
  ): Promise<OperationResult<M>> {
    if (!this.#fleet.has(gateway) || !this.#fleet.online(gateway)) {
      const message = `Gateway '${gateway}' is away.`;
      throw streamError('ECHO_STREAM_GATEWAY_AWAY', { message, where: gateway });
    }
    try {
      return await this.#fleet.control.request<M>(gateway, request);
    } catch (error) {
      const code = isEchoError(error)
        ? (error as { details?: { agentCode?: unknown } }).details?.agentCode
        : undefined;
      if (typeof code === 'string' && code in wireError.catalogue) {
        const { message } = error as Error;
        throw wireError(code as keyof typeof wireError.catalogue, { message, where: gateway });
      }
      throw error;
    }
  }
}
