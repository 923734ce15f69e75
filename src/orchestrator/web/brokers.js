/** The reachability map: each broker, and which gateways reach it. */
import { el, keyed, write } from './dom.js';

export function brokersView(parent) {
  const cache = new Map();
  return (brokers) => keyed(parent, cache, brokers, (broker) => broker.name, brokerCard);
}

function brokerCard({ name }) {
  const urls = el('code');
  const from = el('span', { class: 'dim' });
  const chips = el('p', { class: 'chips' });
  const element = el('article', { class: 'card broker' }, el('h4', {}, title(name)), urls, from, chips);
  const update = (broker) => {
    write(urls, broker.urls.join(', '));
    write(from, origin(broker.from));
    const states = broker.gateways.map((gateway) => ({ gateway: gateway.gateway, reach: reachOf(gateway) }));
    const drawn = JSON.stringify(states);
    if (chips.dataset.drawn === drawn) return;
    chips.dataset.drawn = drawn;
    chips.replaceChildren(
      ...states.map(({ gateway, reach }) =>
        el('span', { class: 'chip', 'data-reach': reach, title: WORDS[reach] }, gateway),
      ),
    );
  };
  return { element, update };
}

const title = (name) =>
  name === 'shared' ? 'Shared broker' : `Broker of site ${name.replace(/^site\//, '')}`;

const origin = (from) =>
  from === 'orchestrator' ? 'embedded' : from === 'settings' ? 'from the settings' : `offered by ${from}`;

const WORDS = {
  none: 'Not meant to reach it',
  unknown: 'Not heard of',
  yes: 'Reaches it',
  no: 'Does not reach it',
};

const reachOf = ({ declared, probed }) =>
  !declared ? 'none' : probed === undefined ? 'unknown' : probed ? 'yes' : 'no';
