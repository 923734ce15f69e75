/** The canvas as it was saved, and what of it agrees with the store: anything else on it is a draft. */
import type { RawFlow } from '../../flow/types.ts';
import type { Credentials } from '../types.ts';
import { fingerprint, identities, type Unit, unitsOf, withApp } from './canvas.ts';
import { type Draft, type DraftStore, EMPTY_DRAFT, type Synced } from './draftStore.ts';

/** Decrypts what the nodes of a flow hold. */
export type ReadCredentials = (flow: RawFlow) => Credentials;

export class DraftState {
  readonly #store: DraftStore;
  readonly #credentials: ReadCredentials;
  readonly #changed: () => void;
  #draft: Draft;

  constructor(store: DraftStore, credentials: ReadCredentials, changed: () => void) {
    this.#store = store;
    this.#credentials = credentials;
    this.#changed = changed;
    this.#draft = store.load() ?? EMPTY_DRAFT;
  }

  get draft(): Draft {
    return this.#draft;
  }

  async saveFlows(flows: RawFlow): Promise<void> {
    this.#mark(flows);
    await this.#put({ flows: structuredClone(flows) as RawFlow });
  }

  async saveCredentials(credentials: Record<string, unknown>): Promise<void> {
    await this.#put({ credentials });
  }

  units(canvas = this.#draft.flows): Unit[] {
    return unitsOf(canvas, this.#draft.synced);
  }

  credentials(unit: Unit): Credentials {
    return this.#credentials(unit.flow);
  }

  fingerprint(unit: Unit): string {
    return fingerprint(unit.flow, this.credentials(unit));
  }

  /** It is not what the store holds. */
  differs(unit: Unit): boolean {
    const synced = unit.application === undefined ? undefined : this.#draft.synced[unit.application];
    return synced === undefined || synced.fingerprint !== this.fingerprint(unit);
  }

  synced(application: string): Synced | undefined {
    return this.#draft.synced[application];
  }

  /** Applications the canvas had when it last agreed with the store. */
  known(): string[] {
    return Object.keys(this.#draft.synced);
  }

  /** Applications whose last task left the canvas. */
  gone(units: readonly Unit[]): string[] {
    const present = new Set(units.map((unit) => unit.application));
    return this.known().filter((id) => !present.has(id));
  }

  async agree(application: string, synced: Synced): Promise<void> {
    await this.#put({ synced: { ...this.#draft.synced, [application]: synced } });
    this.#changed();
  }

  async forget(application: string): Promise<void> {
    const { [application]: _, ...synced } = this.#draft.synced;
    await this.#put({ synced });
    this.#changed();
  }

  #put(part: Partial<Draft>): Promise<void> {
    this.#draft = { ...this.#draft, ...part };
    return this.#store.save(this.#draft);
  }

  /** Every tab carries the id of its application, as the caller's own array is what Node-RED makes the revision of. */
  #mark(flows: RawFlow): void {
    const owner = identities(flows, this.#draft.synced);
    flows.forEach((entry, at) => {
      if (entry.type === 'tab') (flows as RawFlow[number][])[at] = withApp(entry, owner.get(entry.id));
    });
  }
}
