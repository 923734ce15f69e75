/** What happens on the gateways, shown in the editor as if the nodes ran in it. */
import { editorTopics } from '../../wire/editor.ts';
import type { OrchestratorService } from '../types.ts';
import type { DesignRuntime } from './designRuntime.ts';

/** Debug messages, node status and fleet changes to every open editor; ends when the returned function is called. */
export function relayEvents(service: OrchestratorService, runtime: DesignRuntime): () => void {
  const subscriptions = [
    service.on('debug', (_gateway, _node, data) => runtime.publish('debug', data)),
    service.on('nodeStatus', (_gateway, node, status) => {
      runtime.red.events.emit('node-status', { id: node, status });
    }),
    service.on('gateway', () => runtime.publish(editorTopics.changed, {})),
  ];
  return () => {
    for (const end of subscriptions) end();
  };
}
