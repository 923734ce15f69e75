/**
 * The data connections of a gateway: one to the shared broker, one to the broker of its site when there is one. Which
 * of them a stream takes is said when it is opened; frames are heard from either.
 */
import type { BrokerAccess } from '../../../../src/wire/control.ts';
import type { Via } from '../../../../src/wire/nodes.ts';
import { TOPICS_ROOT } from '../../../../src/wire/topics.ts';
import { DataLink } from './DataLink.ts';

export interface DataLinksOptions {
  readonly onMessage: (topic: string, payload: Buffer) => void;
  /** The topic can be heard from now on. Also after each reconnect. */
  readonly onSubscribed: (via: Via, topic: string) => void;
  readonly onDown: (via: Via) => void;
  readonly onDrain: (via: Via) => void;
  readonly log: { info(text: string): void; warn(text: string): void };
  /** Absent: that of the fleet. */
  readonly space?: Space | undefined;
}

/** Where topics stand on a broker that carries other wires, too. */
export interface Space {
  /** Begins them, in place of the fleet's `TOPICS_ROOT`. */
  readonly root: string;
  /** Begins the MQTT client ids, in place of a name made of the gateway's. */
  readonly client: string;
}

/** Broker lists by role; an empty one means there is none. */
export type Brokers = Readonly<Record<Via, readonly BrokerAccess[]>>;

const CLIENT = { shared: 'data', site: 'site' } as const;

export class DataLinks {
  readonly #options: DataLinksOptions;
  readonly #links = new Map<Via, { readonly link: DataLink; readonly given: string }>();
  /** `<via> <topic>` of what can be heard now. */
  readonly #heard = new Set<string>();

  constructor(options: DataLinksOptions) {
    this.#options = options;
  }

  /** Opens the connections as `gateway`; one whose brokers stay the same goes on undisturbed. */
  connect(gateway: string, brokers: Brokers): void {
    for (const via of ['shared', 'site'] as const) {
      const given = JSON.stringify([gateway, brokers[via]]);
      const known = this.#links.get(via);
      if (known?.given === given) continue;
      void known?.link.close();
      this.#links.delete(via);
      if (brokers[via].length > 0)
        this.#links.set(via, { link: this.#open(via, gateway, brokers[via]), given });
    }
  }

  connected(via: Via): boolean {
    return this.#links.get(via)?.link.connected ?? false;
  }

  /** What is not urgent had better wait until `onDrain`. */
  congested(via: Via): boolean {
    return this.#links.get(via)?.link.congested ?? false;
  }

  /** The topic is subscribed to there now. */
  hears(via: Via, topic: string): boolean {
    return this.#heard.has(`${via} ${topic}`);
  }

  /** Dropped while that connection is down. */
  publish(via: Via, topic: string, payload: Buffer): void {
    this.#links.get(via)?.link.publish(this.#outside(topic), payload);
  }

  subscribe(via: Via, topic: string): void {
    this.#links.get(via)?.link.subscribe(this.#outside(topic));
  }

  async close(): Promise<void> {
    await Promise.all([...this.#links.values()].map(({ link }) => link.close()));
  }

  #open(via: Via, gateway: string, brokers: readonly BrokerAccess[]): DataLink {
    const { onMessage, onSubscribed, onDown, onDrain, log, space } = this.#options;
    return new DataLink({
      clientId: `${space?.client ?? `echo-${gateway}`}-${CLIENT[via]}`,
      brokers,
      onMessage: (outside, payload) => onMessage(this.#inside(outside), payload),
      onSubscribed: (outside) => {
        const topic = this.#inside(outside);
        this.#heard.add(`${via} ${topic}`);
        onSubscribed(via, topic);
      },
      onDown: () => {
        for (const heard of this.#heard) if (heard.startsWith(`${via} `)) this.#heard.delete(heard);
        onDown(via);
      },
      onDrain: () => onDrain(via),
      log,
    });
  }

  /** As the broker knows it. */
  #outside(topic: string): string {
    const { space } = this.#options;
    return space === undefined ? topic : space.root + topic.slice(TOPICS_ROOT.length);
  }

  #inside(topic: string): string {
    const { space } = this.#options;
    return space === undefined ? topic : TOPICS_ROOT + topic.slice(space.root.length);
  }
}
