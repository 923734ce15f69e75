/**
 * The streams of one gateway: opens logs and cursors under `<folder>`, drives the pure state machines of `src/wire`
 * and the data connection. Works without a connection; `connect` may come later, or again with other brokers.
 */
import type { Boot, BrokerAccess, StreamStatus } from '../../../../src/wire/control.ts';
import type {
  Follower,
  Gate,
  InStreamOptions,
  Lineage,
  OutStreamOptions,
  StreamState,
  Streams,
} from '../ports.ts';

export interface StreamManagerOptions {
  /** `<userDir>/echo`; made when missing. */
  readonly folder: string;
  readonly follower: Follower;
  readonly gate: Pick<Gate, 'holdsIncoming' | 'onChange'>;
  readonly log: { info(text: string): void; warn(text: string): void; error(text: string): void };
}

export class StreamManager implements Streams {
  /** Identity of this disk and number of this process start; goes into hello, heartbeats and ACKs. */
  readonly boot: Boot;

  /** Reads or makes `disk.json` and counts this boot, synchronously. Throws ECHO_DISK_UNUSABLE. */
  constructor(_options: StreamManagerOptions) {
    this.boot = { disk: '', count: 0 };
  }
  /** Opens the data connection as `gateway`; a later call replaces it. Tries the brokers in turn, for ever. */
  connect(_gateway: string, _brokers: readonly BrokerAccess[]): void {}
  get connected(): boolean {
    return false;
  }
  openOut(_options: OutStreamOptions): void {}
  openIn(_options: InStreamOptions): void {}
  closeOut(_stream: string): void {}
  closeIn(_stream: string): void {}
  append(_stream: string, _msg: object, _cause: Lineage | undefined): Promise<void> {
    return Promise.resolve();
  }
  state(_stream: string): StreamState {
    return { connected: false, waiting: 0, full: false };
  }
  status(): StreamStatus[] {
    return [];
  }
  retire(_streams: readonly string[]): Promise<void> {
    return Promise.resolve();
  }
  /** Writes what is pending, marks the logs cleanly closed and disconnects. */
  close(): Promise<void> {
    return Promise.resolve();
  }
}
