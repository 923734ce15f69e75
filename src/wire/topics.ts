/**
 * Every MQTT topic ECHO uses, made and read in one place.
 *
 * Exact topics only (no shared subscriptions, no wildcard that must see retained messages): brokers differ there.
 * Gateway ids are topic-safe by construction (`GATEWAY_ID`).
 */

/** Version of topics, control envelopes and frames. A peer that says another one is refused at hello. */
export const PROTOCOL_VERSION = 1;

/** What a gateway may be called: also a topic level, an MQTT user name and a folder name. */
export const GATEWAY_ID = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

/** Begins all topics of a fleet. */
export const TOPICS_ROOT = `echo/${PROTOCOL_VERSION}`;
const root = TOPICS_ROOT;

export const topics = {
  /** Retained `online`/`offline` with the last will of the control connection; gateway → orchestrator. */
  status: (gateway: string): string => `${root}/${gateway}/status`,
  /** Control envelopes, QoS 0; gateway → orchestrator. */
  up: (gateway: string): string => `${root}/${gateway}/up`,
  /** Control envelopes, QoS 0; orchestrator → gateway. */
  down: (gateway: string): string => `${root}/${gateway}/down`,
  /** DATA frames, QoS 0; producer → consumer. */
  data: (consumer: string, producer: string): string => `${root}/${consumer}/data/${producer}`,
  /** ACK frames, QoS 0; consumer → producer. */
  ack: (producer: string, consumer: string): string => `${root}/${producer}/ack/${consumer}`,
} as const;

export type ParsedTopic =
  | { readonly kind: 'status' | 'up' | 'down'; readonly gateway: string }
  | { readonly kind: 'data'; readonly consumer: string; readonly producer: string }
  | { readonly kind: 'ack'; readonly producer: string; readonly consumer: string };

/** The parts of an ECHO topic, or undefined for any other topic. */
export function parseTopic(topic: string): ParsedTopic | undefined {
  const [echo, version, first, kind, second, ...rest] = topic.split('/');
  if (echo !== 'echo' || version !== String(PROTOCOL_VERSION) || rest.length > 0) return undefined;
  if (first === undefined || !GATEWAY_ID.test(first)) return undefined;
  switch (kind) {
    case 'status':
    case 'up':
    case 'down':
      return second === undefined ? { kind, gateway: first } : undefined;
    case 'data':
      return second !== undefined && GATEWAY_ID.test(second)
        ? { kind, consumer: first, producer: second }
        : undefined;
    case 'ack':
      return second !== undefined && GATEWAY_ID.test(second)
        ? { kind, producer: first, consumer: second }
        : undefined;
    default:
      return undefined;
  }
}
