/** Errors of the embedded broker. */
import { defineErrors } from '../../wire/errors.ts';

export const brokerError = defineErrors({
  ECHO_BROKER_PORT_IN_USE: {
    status: 500,
    title: 'The port of the embedded MQTT broker is taken.',
    remedy:
      'Stop the other program, or set another port with ECHO_BROKER_PORT, or use its broker with ECHO_BROKER_URL.',
  },
  ECHO_BROKER_FAILED: {
    status: 500,
    title: 'The embedded MQTT broker could not start.',
    remedy: 'Check ECHO_HOST and ECHO_BROKER_PORT: the address must be one of this machine.',
  },
});
