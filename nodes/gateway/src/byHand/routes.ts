/** The wires by hand on Node-RED's admin API: `GET /echo/wires`, and `POST /echo/wires/<id of the echo broker>`. */
import { z } from 'zod';
import { isEchoError } from '../../../../src/wire/errors.ts';
import type { AdminResponse, Red } from '../red.ts';
import { handError } from './errors.ts';
import { factsOf, handOperation, operateByHand } from './facts.ts';
import type { Hands } from './Hands.ts';

export function serveWires({ httpAdmin, auth }: Red, hands: Hands): void {
  httpAdmin?.get('/echo/wires', auth.needsPermission('flows.read'), (_request, response) => {
    answer(response, () => Promise.all(hands.all.map(factsOf)));
  });
  // Messages can be read this way, and given up.
  httpAdmin?.post('/echo/wires/:id', auth.needsPermission('flows.write'), ({ params, body }, response) => {
    answer(response, async () => {
      const known = hands.get(params.id ?? '');
      if (known === undefined) throw handError('ECHO_HAND_NO_STREAM', { message: 'no such echo broker' });
      const asked = handOperation.safeParse(body);
      if (!asked.success)
        throw handError('ECHO_HAND_SETTINGS', {
          message: z.prettifyError(asked.error),
          remedy: 'docs/wires-by-hand.md lists what can be asked.',
        });
      return operateByHand(known.broker, asked.data);
    });
  });
}

function answer(response: AdminResponse, ask: () => Promise<unknown>): void {
  ask().then(
    (result) => response.json(result),
    (error: Error) => {
      const { message } = error;
      if (!isEchoError(error)) response.status(500).json({ message });
      else response.status(error.status).json({ code: error.code, message, remedy: error.remedy });
    },
  );
}
