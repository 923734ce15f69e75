/**
 * Which brokers there are and who is let in where: the shared one for everyone, and for a site the one declared in the
 * settings, else the one a gateway of the site offers. Kept in memory from the enrolments; touches nothing.
 */
import { createHash } from 'node:crypto';
import type { BrokerAccess, BrokerReach, EnrolReply } from '../../wire/control.ts';
import type { BrokerView } from '../types.ts';
import type { Enrolment } from './ports.ts';

/** A broker somebody runs beside ECHO, as the settings declare it. */
export interface DeclaredBroker {
  /** Several are nodes of one cluster. */
  readonly url: readonly string[];
  readonly username?: string | undefined;
  readonly password?: string | undefined;
}

export interface DeclaredSite {
  readonly broker: DeclaredBroker;
  /** Gateways of the site that reach it; absent: all. */
  readonly gateways?: readonly string[] | undefined;
}

export interface BrokersOptions {
  /** `embedded`: its URL, with the gateway's id and secret as user and password; else as in the settings. */
  readonly shared: { readonly embedded: string } | DeclaredBroker;
  readonly sites: Readonly<Record<string, DeclaredSite>>;
  /** A secret of the orchestrator's own for each purpose, always the same. */
  readonly derive: (purpose: string) => string;
}

/** The parts of an enrolment that say which brokers a gateway may use. */
export type Granted = Pick<EnrolReply, 'brokers' | 'site' | 'members' | 'grant'>;

interface Known {
  readonly site: string | undefined;
  /** URL of the broker it offers to its site. */
  readonly offers: string | undefined;
  readonly secretHash: string;
}

/** The broker of one site: declared, or offered by a gateway. */
type SiteBroker =
  | { readonly kind: 'declared'; readonly declared: DeclaredSite }
  | { readonly kind: 'offered'; readonly by: string; readonly url: string };

export class Brokers {
  readonly #options: BrokersOptions;
  readonly #gateways = new Map<string, Known>();
  readonly #names = new Map<string, string>();

  constructor(options: BrokersOptions) {
    this.#options = options;
  }

  /** What is known of a gateway now; call whenever it enrols or says something new of itself. */
  note({ id, facts, secretHash }: Pick<Enrolment, 'id' | 'facts' | 'secretHash'>): void {
    const known = { site: facts.site, offers: facts.siteBroker, secretHash };
    const before = this.#gateways.get(id);
    if (before?.site === known.site && before?.offers === known.offers && before?.secretHash === secretHash)
      return;
    this.#gateways.set(id, known);
    this.#names.clear();
  }

  forget(id: string): void {
    if (this.#gateways.delete(id)) this.#names.clear();
  }

  /** What this gateway is granted; `secret` is its own. */
  grant(id: string, secret: string): Granted {
    return { brokers: this.#shared(id, secret), ...this.#siteGrant(id), grant: this.grantName(id) };
  }

  /** Names what a gateway is granted; another name, another grant. */
  grantName(id: string): string {
    const known = this.#names.get(id);
    if (known !== undefined) return known;
    const { shared } = this.#options;
    const name = sha256(JSON.stringify([shared, this.#siteGrant(id)])).slice(0, 16);
    this.#names.set(id, name);
    return name;
  }

  /** The reachability map: every broker with the gateways that are meant to reach it, and whether they do. */
  views(reached: (gateway: string) => readonly BrokerReach[] | undefined): BrokerView[] {
    const { shared } = this.#options;
    const probed = (gateway: string, role: BrokerReach['role']) => {
      const tried = reached(gateway)?.filter((broker) => broker.role === role) ?? [];
      return tried.length === 0 ? {} : { probed: tried.some(({ reachable }) => reachable) };
    };
    const ids = [...this.#gateways.keys()].sort();
    const sites = [...new Set([...this.#gateways.values()].flatMap(({ site }) => site ?? []))].sort();
    return [
      {
        name: 'shared',
        role: 'shared',
        urls: 'embedded' in shared ? [shared.embedded] : shared.url.map(withoutUser),
        from: 'embedded' in shared ? 'orchestrator' : 'settings',
        gateways: ids.map((gateway) => ({ gateway, declared: true, ...probed(gateway, 'shared') })),
      },
      ...sites.flatMap((site): BrokerView[] => {
        const broker = this.#brokerOf(site);
        if (broker === undefined) return [];
        return [
          {
            name: `site/${site}`,
            role: 'site',
            site,
            urls: broker.kind === 'offered' ? [broker.url] : broker.declared.broker.url.map(withoutUser),
            from: broker.kind === 'offered' ? broker.by : 'settings',
            gateways: this.#ofSite(site).map((gateway) =>
              reaches(broker, gateway)
                ? { gateway, declared: true, ...probed(gateway, 'site') }
                : { gateway, declared: false },
            ),
          },
        ];
      }),
    ];
  }

  #shared(id: string, secret: string): BrokerAccess[] {
    const { shared } = this.#options;
    return 'embedded' in shared
      ? [{ url: shared.embedded, username: id, password: secret }]
      : accessOf(shared);
  }

  #siteGrant(id: string): Pick<EnrolReply, 'site' | 'members'> {
    const site = this.#gateways.get(id)?.site;
    const broker = site === undefined ? undefined : this.#brokerOf(site);
    if (site === undefined || broker === undefined || !reaches(broker, id)) return {};
    if (broker.kind === 'declared')
      return { site: { name: site, brokers: accessOf(broker.declared.broker) } };
    const access = { url: broker.url, username: id, password: this.#password(broker.by, id) };
    const grant = { site: { name: site, brokers: [access] } };
    if (broker.by !== id) return grant;
    const members = this.#ofSite(site).map((member) => [member, sha256(this.#password(id, member))]);
    return { ...grant, members: Object.fromEntries(members) };
  }

  /** Declared wins; of several that are offered, that of the first gateway by name, so that all agree. */
  #brokerOf(site: string): SiteBroker | undefined {
    const declared = this.#options.sites[site];
    if (declared !== undefined) return { kind: 'declared', declared };
    for (const id of this.#ofSite(site)) {
      const url = this.#gateways.get(id)?.offers;
      if (url !== undefined) return { kind: 'offered', by: id, url };
    }
    return undefined;
  }

  #ofSite(site: string): string[] {
    return [...this.#gateways].flatMap(([id, known]) => (known.site === site ? [id] : [])).sort();
  }

  /** Ends with the secret of the gateway: one that is let in anew has another. */
  #password(broker: string, member: string): string {
    const secret = this.#gateways.get(member)?.secretHash ?? '';
    return this.#options.derive(['site-broker', broker, member, secret].join('\n'));
  }
}

const reaches = (broker: SiteBroker, gateway: string): boolean =>
  broker.kind === 'offered' || (broker.declared.gateways?.includes(gateway) ?? true);

/** One entry a URL, all with the same credentials. */
export function accessOf({ url, username, password }: DeclaredBroker): BrokerAccess[] {
  return url.map((one) => ({
    url: one,
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
  }));
}

/** A broker URL may carry a password. */
export const withoutUser = (url: string): string => url.replace(/\/\/[^@/]*@/, '//');

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
