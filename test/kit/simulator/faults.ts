/** What shall go wrong at a simulated gateway, and when. */

/** `GET /flows`, `POST /inject`, `gate.close`…: one face of the gateway, as its client names it. */
export type Face = string;

export type Fault =
  /** Answers this HTTP status (or, on the control channel, an error reply) and does nothing. */
  | { readonly kind: 'answer'; readonly status: number; readonly body?: unknown }
  /** Does nothing and never answers. */
  | { readonly kind: 'silence' }
  /** Does nothing and closes the connection. */
  | { readonly kind: 'drop' }
  /** Does what was asked, then closes the connection: the client cannot know. */
  | { readonly kind: 'drop-after' }
  /** Answers after this many ms, as if nothing were wrong. */
  | { readonly kind: 'delay'; readonly ms: number };

interface Planned {
  readonly face: Face;
  readonly fault: Fault;
  skip: number;
  times: number;
}

export class Faults {
  readonly #planned: Planned[] = [];

  /** Plans a fault for a face: after `skip` good calls, for `times` calls. */
  plan(face: Face, fault: Fault, { skip = 0, times = 1 } = {}): void {
    this.#planned.push({ face, fault, skip, times });
  }

  clear(): void {
    this.#planned.length = 0;
  }

  /** The fault that strikes this call, if one does. */
  take(face: Face): Fault | undefined {
    for (const planned of this.#planned) {
      if (planned.face !== face || planned.times === 0) continue;
      if (planned.skip > 0) {
        planned.skip -= 1;
        continue;
      }
      planned.times -= 1;
      return planned.fault;
    }
    return undefined;
  }
}
