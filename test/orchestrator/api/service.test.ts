import { disposables } from '../../kit/cleanup.ts';
import { chain, joinThree, startRig } from '../service/rig.ts';
import { exampleFlow } from './memoryService.ts';
import { serveApi, serveService } from './serveApi.ts';
import { serviceContract } from './service.contract.ts';

describe('the service behind the REST API', () => {
  const kit = disposables();

  describe('in memory', () => {
    serviceContract(async () => {
      const api = await serveApi();
      kit.add(api, () => api.close());
      return { url: api.url, flow: exampleFlow, task: 'average' };
    });
  });

  describe('the real one, over simulated gateways', () => {
    serviceContract(async () => {
      const rig = await startRig(kit);
      kit.add(rig, () => rig.close());
      await joinThree(rig.sim);
      const api = await serveService(rig.orchestrator);
      kit.add(api, () => api.close());
      return { url: api.url, flow: chain(), task: 'fn' };
    });
  });
});
