/**
 * The wires by hand of one Node-RED, by the `echo broker` they go over. What an `echo broker` has opened outlives
 * redeploys; it goes when the node is deleted.
 */
import { join } from 'node:path';
import { endWithNodeRed } from '../ending.ts';
import { folderName } from '../files.ts';
import { groundOf } from '../ground.ts';
import type { Lineage } from '../ports.ts';
import type { Red } from '../red.ts';
import { type HandAccess, HandBroker } from './HandBroker.ts';

/** How long a node may keep a message, where no fleet says it, ms. */
const FOLLOW_MS = 30_000;

export interface OpenHand {
  readonly id: string;
  name: string;
  access: HandAccess;
  readonly broker: HandBroker;
}

export class Hands {
  readonly #red: Red;
  readonly #open = new Map<string, OpenHand & { readonly stay: () => void }>();

  constructor(red: Red) {
    this.#red = red;
  }

  get all(): readonly OpenHand[] {
    return [...this.#open.values()];
  }

  get(id: string): OpenHand | undefined {
    return this.#open.get(id);
  }

  /** Throws ECHO_GATEWAY_DISK, ECHO_GATEWAY_FOLDER_IN_USE, ECHO_DISK_UNUSABLE. */
  open(id: string, name: string, access: HandAccess): HandBroker {
    const known = this.#open.get(id) ?? this.#make(id, name, access);
    Object.assign(known, { name, access });
    known.broker.connect(access);
    return known.broker;
  }

  /** Its `echo broker` was deleted. What is on disk stays. */
  async close(id: string): Promise<void> {
    const known = this.#open.get(id);
    this.#open.delete(id);
    known?.stay();
    await known?.broker.close();
  }

  /** The record a message descends from. */
  causeOf(msg: object): Lineage | undefined {
    return this.#ground().follower.causeOf(msg);
  }

  #make(id: string, name: string, access: HandAccess) {
    const { folder, follower, gate } = this.#ground();
    const broker = new HandBroker({
      folder: join(folder, 'by-hand', folderName(id)),
      follower,
      gate,
      log: this.#log,
    });
    const stay = endWithNodeRed(this.#red, {
      rest: (limitMs) => broker.streams.rest(limitMs),
      close: () => broker.close(),
    });
    const made = { id, name, access, broker, stay };
    this.#open.set(id, made);
    return made;
  }

  #ground() {
    return groundOf(this.#red, { warn: this.#log.warn, followLimitMs: FOLLOW_MS });
  }

  get #log() {
    const { log } = this.#red;
    return {
      info: (text: string) => log.info(`[echo] ${text}`),
      warn: (text: string) => log.warn(`[echo] ${text}`),
      error: (text: string) => log.error(`[echo] ${text}`),
    };
  }
}
