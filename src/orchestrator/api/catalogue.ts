/** Every error of every area, by code: what `GET /api/v1/errors` lists and docs/errors.md describes. */
import { handError } from '../../../nodes/gateway/src/byHand/errors.ts';
import { agentError } from '../../../nodes/gateway/src/errors.ts';
import { settingsError } from '../../../settings.ts';
import { flowError } from '../../flow/errors.ts';
import { placementError } from '../../placement/errors.ts';
import { registryError } from '../../registry/errors.ts';
import type { ErrorCatalogue } from '../../wire/errors.ts';
import { wireError } from '../../wire/wireErrors.ts';
import { brokerError } from '../broker/errors.ts';
import { cliError } from '../cli/errors.ts';
import { deployError } from '../deploy/errors.ts';
import { editorError } from '../editor/errors.ts';
import { fleetError } from '../fleet/errors.ts';
import { gatewayError } from '../gateways/errors.ts';
import { storeError } from '../store/errors.ts';
import { streamError } from '../streams/errors.ts';
import { apiError } from './errors.ts';

/** In the order of docs/errors.md. */
export const areas: readonly { readonly title: string; readonly catalogue: ErrorCatalogue }[] = [
  { title: 'Flows', catalogue: flowError.catalogue },
  { title: 'Placement', catalogue: placementError.catalogue },
  { title: 'Deploying', catalogue: deployError.catalogue },
  { title: 'Gateways', catalogue: gatewayError.catalogue },
  { title: 'The agent on a gateway', catalogue: agentError.catalogue },
  { title: 'Streams', catalogue: { ...wireError.catalogue, ...streamError.catalogue } },
  { title: 'Wires by hand', catalogue: handError.catalogue },
  { title: 'Requests', catalogue: apiError.catalogue },
  { title: 'echoctl', catalogue: cliError.catalogue },
  { title: 'Editor', catalogue: editorError.catalogue },
  { title: 'Registry', catalogue: registryError.catalogue },
  { title: 'Store', catalogue: storeError.catalogue },
  { title: 'Broker', catalogue: brokerError.catalogue },
  { title: 'Settings', catalogue: settingsError.catalogue },
  { title: 'The local fleet', catalogue: fleetError.catalogue },
];

export const catalogue: ErrorCatalogue = Object.freeze(
  Object.assign({}, ...areas.map((area) => area.catalogue)) as ErrorCatalogue,
);
