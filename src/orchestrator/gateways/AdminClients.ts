/** One admin API client a gateway, for as long as what it was made from holds. */
import { AdminClient, type AdminClientOptions } from './adminClient.ts';

export class AdminClients {
  readonly #make: (gateway: string) => AdminClientOptions;
  readonly #clients = new Map<string, AdminClient>();

  constructor(make: (gateway: string) => AdminClientOptions) {
    this.#make = make;
  }

  of(gateway: string): AdminClient {
    const known = this.#clients.get(gateway);
    if (known !== undefined) return known;
    const client = new AdminClient(this.#make(gateway));
    this.#clients.set(gateway, client);
    return client;
  }

  /** Its address or its access changed: the next one asked for is made anew. */
  drop(gateway: string): void {
    const client = this.#clients.get(gateway);
    this.#clients.delete(gateway);
    void client?.close();
  }

  async close(): Promise<void> {
    const clients = [...this.#clients.values()];
    this.#clients.clear();
    await Promise.all(clients.map((client) => client.close()));
  }
}
